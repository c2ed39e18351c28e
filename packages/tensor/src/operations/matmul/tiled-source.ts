import { each } from '../each'

/** The tile of a tiled kernel, and how the operands lie; one of them at most is transposed. */
export interface TiledForm {
  /** Rows and columns of c that a workgroup computes: 64, or 128. */
  readonly side: number
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/** Invocations of a workgroup: 16 × 16, each with side / 16 rows and as many columns. */
export const tiledLanes = 256

/**
 * WGSL of c = op(a) · op(b) by tiles in workgroup memory, for GPUs: what a workgroup needs of both operands for some steps of k
 * it loads once, and each value that is loaded from there serves side / 16 products.
 *
 *   a: [m, k], or [k, m] with transposeA    b: [k, n], or [n, k] with transposeB    c: [m, n]
 *   All three in vectors of four: n is a multiple of 4, m with transposeA, k if one of the operands runs along it.
 *
 * Half of the lanes load from a and half from b, each a block of 4 × 4, which lies in workgroup memory with the rows (columns)
 * in the vectors: an operand that runs along k is transposed on the way. The blocks of the next steps are on their way into
 * registers while these are multiplied. Every element is a sum over k in order, whatever the number of rows.
 * Rows and columns past the edge repeat the last and are not written; past the end of k are zeros. Workgroups in a line,
 * columns fastest, folded over x and y; split-K as in tile-frame.ts.
 */
export function tiledSource({ side, transposeA, transposeB }: TiledForm): string {
  const across = side / 4 // vectors of a row of a tile
  const depth = 2048 / side // steps of k at a time: 128 blocks of each operand, 8 KiB
  const share = side / 64 // vectors that an invocation has of a tile's side
  const a = operand({ name: 'a', runsAlongK: !transposeA, count: 'm', first: 'row', across, depth })
  const b = operand({ name: 'b', runsAlongK: transposeB, count: 'n', first: 'column', across, depth })
  const elements = (line: (i: number, j: number) => string) => each(4 * share, (i) => each(share, (j) => line(i, j)))
  return `struct Params { m: u32, n: u32, k: u32, tilesAcross: u32, tiles: u32, splits: u32, span: u32, splitSize: u32 }
@group(0) @binding(0) var<storage, read> a: array<element_a>;
@group(0) @binding(1) var<storage, read> b: array<element_b>;
@group(0) @binding(2) var<storage, read_write> c: array<element_c>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> tileA: array<vec4f, ${across * depth}>;
var<workgroup> tileB: array<vec4f, ${across * depth}>;

@compute @workgroup_size(${tiledLanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  let split = index / params.tiles;
  if (split >= params.splits) { return; }
  let tile = index % params.tiles;
  let begin = split * params.span;
  let end = min(begin + params.span, params.k);
  let row = (tile / params.tilesAcross) * ${side}u;
  let column = (tile % params.tilesAcross) * ${side}u;
  let loadsA = lane < ${tiledLanes / 2}u;
  let number = lane % ${tiledLanes / 2}u;
  let x = lane % 16u;
  let y = lane / 16u;
  // The block that this lane loads: where its four vectors begin, and where they go to.
  var at = vec4u();
  var step = 0u; // first of its four steps of k
  var place = 0u;
  if (loadsA) {
    ${a.find}
  } else {
    ${b.find}
  }
  ${each(4, (s) => `var v${s} = vec4f();`)}
  if (loadsA) {
    ${a.load('begin')}
  } else {
    ${b.load('begin')}
  }
  ${elements((i, j) => `var c${i}_${j} = vec4f();`)}
  for (var k = begin; k < end; k += ${depth}u) {
    if (loadsA) {
      ${a.store}
    } else {
      ${b.store}
    }
    workgroupBarrier();
    if (loadsA) {
      ${a.load(`k + ${depth}u`)}
    } else {
      ${b.load(`k + ${depth}u`)}
    }
    for (var s = 0u; s < ${across * depth}u; s += ${across}u) {
      ${each(share, (j) => `let a${j} = tileA[s + y + ${16 * j}u];\n  let b${j} = tileB[s + x + ${16 * j}u];`)}
      ${elements((i, j) => `c${i}_${j} += a${i >> 2}[${i & 3}] * b${j};`)}
    }
    workgroupBarrier();
  }
  let fours = params.n / 4u;
  ${each(4 * share, (i) => {
    const where = `row + 4u * y + ${64 * (i >> 2) + (i & 3)}u`
    const write = (j: number) =>
      `if (column / 4u + x + ${16 * j}u < fours) { store_c(split * params.splitSize + (${where}) * fours + column / 4u + x + ${16 * j}u, c${i}_${j}); }`
    return `if (${where} < params.m) {\n    ${each(share, write)}\n  }`
  })}
}`
}

/** How lanes load blocks of 4 × 4 of an operand and put them down. Names: tiledSource. */
function operand({
  name,
  runsAlongK,
  count,
  first,
  across,
  depth,
}: {
  name: 'a' | 'b'
  runsAlongK: boolean
  /** The parameter with the number of its rows (of b, columns). */
  count: 'm' | 'n'
  /** The variable with the tile's first. */
  first: 'row' | 'column'
  across: number
  depth: number
}) {
  const tile = `tile${name.toUpperCase()}`
  // Neighbouring lanes load what is neighbouring in memory.
  const block = runsAlongK
    ? `let q = number % ${depth / 4}u;\n    let r = number / ${depth / 4}u;`
    : `let q = number / ${across}u;\n    let r = number % ${across}u;`
  const begins = runsAlongK
    ? `at = min(${first} + 4u * r + vec4u(0u, 1u, 2u, 3u), vec4u(params.${count} - 1u)) * (params.k / 4u) + q;`
    : `at = (4u * q + vec4u(0u, 1u, 2u, 3u)) * (params.${count} / 4u) + min(${first} / 4u + r, params.${count} / 4u - 1u);`
  return {
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
    store: each(4, (s) => {
      const vector = runsAlongK ? `vec4f(v0[${s}], v1[${s}], v2[${s}], v3[${s}])` : `v${s}`
      return `${tile}[place + ${s * across}u] = ${vector};`
    }),
  }
}
