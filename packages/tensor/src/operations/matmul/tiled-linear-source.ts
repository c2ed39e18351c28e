import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { type LinearForm, linearFrame } from './linear-frame'
import { linearDepth, type TileShape, tileLanes, tileSide } from './tile-shapes'

/**
 * WGSL of a linear layer of many rows, c = a · bᵀ, by tiles in workgroup memory, for GPUs: what a workgroup needs of both operands
 * for 16 steps of k it loads once. Weights in blocks are unpacked on the way, once for all rows of the tile. Operands:
 * linear-frame.ts, but that `params.k` counts vectors of four.
 *
 * Both operands run along k, and so do the vectors in workgroup memory: vector q of row r lies at q · rows + (r ^ 2q), which
 * keeps the eight lanes that store at once off each other's banks. Invocation (x, y) of 16 × 16 has the rows y, y + 16, … and
 * the columns x, x + 16, …: lanes of one y read the same rows, neighbouring lanes neighbouring columns, also of c.
 *
 * An element is the sum over k in order, by `fma`, whatever the tile and the number of rows. The squares of a normalised row are
 * added up in four parts, vectors q, q + 4, …, and these in order, by way of the memory of the tile. Rows and columns past the edge repeat the last and are not
 * written; past the end of k are zeros. Workgroups in a line, columns fastest, folded over x and y.
 */
export function tiledLinearSource(
  form: LinearForm,
  { buffers }: Pick<TileShape, 'buffers'>,
): Omit<KernelDefinition, 'name'> {
  const { rows, columns, vectorSize, normed, offset } = form
  const [tall, wide] = [rows / tileSide, columns / tileSide]
  const { uses, declarations, store } = linearFrame({ ...form, columns: wide }, { xVectorSize: 4 })
  const quads = linearDepth / 4
  const [sizeA, sizeB] = [rows * quads, columns * quads]
  // What lanes load: vectors of a, and of b vectors or pieces of two.
  const perPiece = vectorSize / 4
  const [pieces, piecesOfB] = [quads / perPiece, sizeB / perPiece]
  const heldA = Math.ceil(sizeA / tileLanes)
  const heldB = Math.ceil(piecesOfB / tileLanes)
  const some = (size: number, body: string) => (size < tileLanes ? `if (lane < ${size}u) {\n    ${body}\n  }` : body)
  const zeroOfB = perPiece === 2 ? 'Piece(vec4f(), vec4f())' : 'vec4f()'
  const load = (k: string) => `${some(
    sizeA,
    each(
      heldA,
      (h) => `if (${k} + quadA < params.k) {
      ${
        normed
          ? `let x${h} = load_a(atA${h} + ${k});
      squares${h} += dot(x${h}, x${h});
      let gain${h} = ${offset === 0 ? '' : `vec4f(${offset}) + `}load_gain(${k} + quadA);
      a${h} = x${h} * gain${h};`
          : `a${h} = load_a(atA${h} + ${k});`
      }
    } else { a${h} = vec4f(); }`,
    ),
  )}
  ${some(
    piecesOfB,
    each(
      heldB,
      (h) =>
        `if (${k} + ${perPiece}u * pieceB < params.k) { w${h} = load_b(atB${h} + (${k}) / ${perPiece}u); } else { w${h} = ${zeroOfB}; }`,
    ),
  )}`
  const put = (buffer: string) => {
    const at = (size: number) => (buffers === 1 ? '' : `${buffer} * ${size}u + `)
    return `${some(
      sizeA,
      each(heldA, (h) => `tileA[${at(sizeA)}placeA + ${(h * tileLanes) / quads}u] = a${h};`),
    )}
  ${some(
    piecesOfB,
    each(heldB, (h) => {
      const further = `${(h * tileLanes) / pieces}u`
      if (perPiece === 1) return `tileB[${at(sizeB)}placeB + ${further}] = w${h};`
      return `tileB[${at(sizeB)}placeB + ${further}] = w${h}.low;
    tileB[${at(sizeB)}(placeB ^ 2u) + ${columns}u + ${further}] = w${h}.high;`
    }),
  )}`
  }
  const sums = (line: (i: number, j: number) => string) => each(tall, (i) => each(wide, (j) => line(tileSide * i, j)))

  const source = `${declarations}
var<workgroup> tileA: array<vec4f, ${buffers * sizeA}>;
var<workgroup> tileB: array<vec4f, ${buffers * sizeB}>;

@compute @workgroup_size(${tileLanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.x + group.y * groups.x;
  if (number >= params.tiles) { return; }
  let firstRow = (number / params.tilesAcross) * ${rows}u;
  let firstColumn = (number % params.tilesAcross) * ${columns}u;
  let x = lane % ${tileSide}u;
  let y = lane / ${tileSide}u;
  // What this lane loads: vector quadA of rows rowA, …, and piece pieceB of columns columnB, …; and where it puts them.
  let quadA = lane % ${quads}u;
  let rowA = lane / ${quads}u;
  let pieceB = lane % ${pieces}u;
  let columnB = lane / ${pieces}u;
  let placeA = quadA * ${rows}u + (rowA ^ (2u * quadA));
  let placeB = ${perPiece}u * pieceB * ${columns}u + (columnB ^ (${2 * perPiece}u * pieceB));
  ${each(heldA, (h) => `let atA${h} = min(firstRow + rowA + ${(h * tileLanes) / quads}u, params.m - 1u) * params.k + quadA;\n  var a${h} = vec4f();`)}
  ${each(heldB, (h) => `let atB${h} = min(firstColumn + columnB + ${(h * tileLanes) / pieces}u, params.n - 1u) * (params.k / ${perPiece}u) + pieceB;\n  var w${h} = ${zeroOfB};`)}
  ${normed ? each(heldA, (h) => `var squares${h} = 0.0;`) : ''}
  ${sums((i, j) => `var b_${i}_${j} = 0.0;`)}
  ${load('0u')}
  ${put('0u')}
  workgroupBarrier();
  ${buffers === 2 ? 'var current = 0u;' : ''}
  for (var k = 0u; k < params.k; k += ${quads}u) {
    ${load(`k + ${quads}u`)}
    for (var q = 0u; q < ${quads}u; q++) {
      let fromA = ${buffers === 2 ? `current * ${sizeA}u + ` : ''}q * ${rows}u + (y ^ (2u * q));
      let fromB = ${buffers === 2 ? `current * ${sizeB}u + ` : ''}q * ${columns}u + (x ^ (2u * q));
      ${each(wide, (j) => `let y${j} = tileB[fromB + ${tileSide * j}u];`)}
      ${each(tall, (i) => `let x${i} = tileA[fromA + ${tileSide * i}u];`)}
      ${each(4, (s) => sums((i, j) => `b_${i}_${j} = fma(x${i / tileSide}[${s}], y${j}[${s}], b_${i}_${j});`))}
    }
    ${buffers === 2 ? 'current = 1u - current;' : 'workgroupBarrier();'}
    ${put('current')}
    workgroupBarrier();
  }
  ${
    normed
      ? `${some(
          sizeA,
          each(heldA, (h) => `tileA[lane + ${h * tileLanes}u].x = squares${h};`),
        )}
  workgroupBarrier();
  ${each(tall, (i) => {
    const part = (q: number) => `tileA[(y + ${tileSide * i}u) * ${quads}u + ${q}u].x`
    return `let scale${i} = inverseSqrt((${Array.from({ length: quads }, (_, q) => part(q)).join(' + ')}) / f32(4u * params.k) + params.epsilon);
  ${each(wide, (j) => `b_${tileSide * i}_${j} *= scale${i};`)}`
  })}`
      : ''
  }
  let row = firstRow + y;
  let edge = firstColumn + x;
  let column = params.first + edge;
  ${each(tall, (i) => store(tileSide * i, (j) => tileSide * j))}
}`
  return { source, uses }
}
