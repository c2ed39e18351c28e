/**
 * WGSL of c = op(a) · b by outer products: b runs along n in memory, so lanes take neighbouring columns, and an element of a
 * is the same for all of them. op(a) is a or its transpose, by strides.
 *
 *   a: [m, k] or [k, m], read at aRow and aStep    b: [k, n]    c: [m, n]
 *
 * An invocation holds `rows` × `columns` elements of c, its columns `lanes` apart, each a sum over k in order. Tiles past the
 * edge read the last row or column again and write nothing. Workgroups of `lanes` in a line, columns fastest, folded over x
 * and y. Prelude: A, B, C, narrow (element-types.ts).
 */
export function outerSource(rows: number, columns: number, lanes: number): string {
  const each = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n  ')
  return `struct Params { m: u32, n: u32, k: u32, aRow: u32, aStep: u32, tilesAcross: u32, tiles: u32, parts: u32, span: u32, partSize: u32 }
@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> c: array<C>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  let tile = index % params.tiles;
  let part = index / params.tiles;
  if (part >= params.parts) { return; }
  let first = part * params.span;
  let end = min(first + params.span, params.k);
  let place = part * params.partSize;
  let row = (tile / params.tilesAcross) * ${rows}u;
  let column = (tile % params.tilesAcross) * ${columns * lanes}u + lane;
  ${each(rows, (i) => `let a${i} = min(row + ${i}u, params.m - 1u) * params.aRow;`)}
  ${each(columns, (j) => `let b${j} = min(column + ${j * lanes}u, params.n - 1u);`)}
  ${each(rows, (i) => each(columns, (j) => `var c${i}_${j} = 0.0;`))}
  var bk = first * params.n;
  var ak = first * params.aStep;
  for (var k = first; k < end; k++) {
    ${each(columns, (j) => `let y${j} = f32(b[bk + b${j}]);`)}
    ${each(rows, (i) => `let x${i} = f32(a[a${i} + ak]);\n  ${each(columns, (j) => `c${i}_${j} += x${i} * y${j};`)}`)}
    bk += params.n;
    ak += params.aStep;
  }
  ${each(
    rows,
    (i) => `if (row + ${i}u < params.m) {
  ${each(columns, (j) => `if (column + ${j * lanes}u < params.n) { c[place + (row + ${i}u) * params.n + column + ${j * lanes}u] = narrow(c${i}_${j}); }`)}
  }`,
  )}
}`
}
