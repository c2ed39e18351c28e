import { each } from '../each'
import { tileBindings, tilePlace } from './tile-place'
import { matmulDepth, type TileShape, tileLanes } from './tile-shapes'

/** The tile of a tiled kernel, of 64 or 128 rows and columns, and how the operands lie; one of them at most is transposed. */
export interface TiledForm extends TileShape {
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/**
 * WGSL of c = op(a) · op(b) by tiles in workgroup memory, for GPUs: what a workgroup needs of both operands for some steps of k
 * it loads once, and each value that is loaded from there serves a sixteenth of the tile's rows or columns.
 *
 *   a: [m, k], or [k, m] with transposeA    b: [k, n], or [n, k] with transposeB    c: [m, n]
 *   All three in vectors of four: n is a multiple of 4, m with transposeA, k if one of the operands runs along it.
 *
 * Some of the lanes load from a and some from b, each a block of 4 × 4, which lies in workgroup memory with the rows (columns)
 * in the vectors: an operand that runs along k is transposed on the way. The blocks of the next steps are on their way into
 * registers while these are multiplied. Every element is a sum over k in order, by `fma`, whatever the number of rows.
 * Rows and columns past the edge repeat the last and are not written; past the end of k are zeros. Workgroups in a line,
 * columns fastest, folded over x and y; split-K as in tile-frame.ts.
 */
export function tiledSource({ transposeA, transposeB, ...shape }: TiledForm): string {
  const { rows, columns, buffers } = shape
  const depth = matmulDepth(shape)
  const [tall, wide] = [rows / 64, columns / 64] // vectors that an invocation has of the tile's sides
  const a = operand({ name: 'a', runsAlongK: !transposeA, count: 'm', first: 'row', side: rows, depth })
  const b = operand({ name: 'b', runsAlongK: transposeB, count: 'n', first: 'column', side: columns, depth })
  const elements = (line: (i: number, j: number) => string) => each(4 * tall, (i) => each(wide, (j) => line(i, j)))
  const loads = (part: (of: typeof a) => string) => `if (loadsA) {
      ${part(a)}
    } else ${a.blocks + b.blocks < tileLanes ? `if (lane < ${a.blocks + b.blocks}u) ` : ''}{
      ${part(b)}
    }`
  const buffer = (of: typeof a) => (buffers === 2 ? `current * ${of.size}u + ` : '')
  return `${tileBindings}

var<workgroup> tileA: array<vec4f, ${buffers * a.size}>;
var<workgroup> tileB: array<vec4f, ${buffers * b.size}>;

@compute @workgroup_size(${tileLanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  ${tilePlace(rows, columns)}
  let loadsA = lane < ${a.blocks}u;
  let number = select(lane - ${a.blocks}u, lane, loadsA);
  let x = lane % 16u;
  let y = lane / 16u;
  // The block that this lane loads: where its four vectors begin, and where they go to.
  var at = vec4u();
  var step = 0u; // first of its four steps of k
  var place = 0u;
  ${loads(({ find }) => find)}
  ${each(4, (s) => `var v${s} = vec4f();`)}
  ${loads(({ load }) => load('begin'))}
  ${elements((i, j) => `var c${i}_${j} = vec4f();`)}
  ${buffers === 2 ? `var current = 0u;\n  ${loads(({ store }) => store(''))}\n  workgroupBarrier();` : ''}
  for (var k = begin; k < end; k += ${depth}u) {
    ${buffers === 1 ? `${loads(({ store }) => store(''))}\n    workgroupBarrier();` : ''}
    ${loads(({ load }) => load(`k + ${depth}u`))}
    for (var s = 0u; s < ${depth}u; s++) {
      ${each(tall, (j) => `let a${j} = tileA[${buffer(a)}s * ${a.across}u + y + ${16 * j}u];`)}
      ${each(wide, (j) => `let b${j} = tileB[${buffer(b)}s * ${b.across}u + x + ${16 * j}u];`)}
      ${elements((i, j) => `c${i}_${j} = fma(vec4f(a${i >> 2}[${i & 3}]), b${j}, c${i}_${j});`)}
    }
    ${buffers === 2 ? `current = 1u - current;\n    ${loads((of) => of.store(buffer(of)))}` : ''}
    workgroupBarrier();
  }
  let fours = params.n / 4u;
  ${each(4 * tall, (i) => {
    const where = `row + 4u * y + ${64 * (i >> 2) + (i & 3)}u`
    const write = (j: number) =>
      `if (column / 4u + x + ${16 * j}u < fours) { store_c(split * params.splitSize + (${where}) * fours + column / 4u + x + ${16 * j}u, c${i}_${j}); }`
    return `if (${where} < params.m) {\n    ${each(wide, write)}\n  }`
  })}
}`
}

/** How lanes load blocks of 4 × 4 of an operand and put them down. Names: tiledSource. */
function operand({
  name,
  runsAlongK,
  count,
  first,
  side,
  depth,
}: {
  name: 'a' | 'b'
  runsAlongK: boolean
  /** The parameter with the number of its rows (of b, columns). */
  count: 'm' | 'n'
  /** The variable with the tile's first. */
  first: 'row' | 'column'
  /** Rows (columns) of the tile. */
  side: number
  depth: number
}) {
  const tile = `tile${name.toUpperCase()}`
  const across = side / 4 // vectors of a row of the tile
  // Neighbouring lanes load what is neighbouring in memory.
  const block = runsAlongK
    ? `let q = number % ${depth / 4}u;\n    let r = number / ${depth / 4}u;`
    : `let q = number / ${across}u;\n    let r = number % ${across}u;`
  const begins = runsAlongK
    ? `at = min(${first} + 4u * r + vec4u(0u, 1u, 2u, 3u), vec4u(params.${count} - 1u)) * (params.k / 4u) + q;`
    : `at = (4u * q + vec4u(0u, 1u, 2u, 3u)) * (params.${count} / 4u) + min(${first} / 4u + r, params.${count} / 4u - 1u);`
  return {
    across,
    /** Vectors of the tile, and blocks of four. */
    size: across * depth,
    blocks: (across * depth) / 4,
    find: `${block}
    ${begins}
    step = 4u * q;
    place = 4u * q * ${across}u + r;`,
    /** Loads v0 … v3 for the steps from `k` on. */
    load: (k: string) => {
      const offset = runsAlongK ? `(${k}) / 4u` : `(${k}) * (params.${count} / 4u)`
      const vector = (s: number) => `v${s} = load_${name}(at[${s}] + ${offset});`
      return runsAlongK
        ? `if (${k} + step < end) { ${each(4, vector)} } else { ${each(4, (s) => `v${s} = vec4f();`)} }`
        : each(4, (s) => `if (${k} + step + ${s}u < end) { ${vector(s)} } else { v${s} = vec4f(); }`)
    },
    /** Puts them down, from the place `buffer` of the tile's memory on. */
    store: (buffer: string) =>
      each(4, (s) => {
        const vector = runsAlongK ? `vec4f(v0[${s}], v1[${s}], v2[${s}], v3[${s}])` : `v${s}`
        return `${tile}[${buffer}place + ${s * across}u] = ${vector};`
      }),
  }
}
