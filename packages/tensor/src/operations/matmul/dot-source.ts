/**
 * WGSL of c = a · bᵀ by dot products along k, as linear layers are: both operands run along k in memory, so the lanes of a
 * workgroup take neighbouring k and load neighbouring words.
 *
 *   a: [m, k]    b: [n, k]    c: [m, n]
 *
 * A workgroup of LANES invocations computes a tile of `rows` × `columns` elements of c: lane l adds up k = l, l + LANES, …,
 * and the lanes' sums are added at the end. That order is the same for every element whatever the tile, so a row's result
 * does not depend on how many rows there are. Tiles past the edge read the last row or column again and write nothing.
 * Workgroups in a line, columns fastest, folded over x and y. Prelude: rowSum (row-reduction.ts).
 */
export function dotSource(rows: number, columns: number): string {
  const each = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n  ')
  return `struct Params { m: u32, n: u32, k: u32, tilesAcross: u32, tiles: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= params.tiles) { return; }
  let row = (tile / params.tilesAcross) * ${rows}u;
  let column = (tile % params.tilesAcross) * ${columns}u;
  ${each(rows, (i) => `let a${i} = min(row + ${i}u, params.m - 1u) * params.k;`)}
  ${each(columns, (j) => `let b${j} = min(column + ${j}u, params.n - 1u) * params.k;`)}
  ${each(rows, (i) => each(columns, (j) => `var c${i}_${j} = 0.0;`))}
  for (var k = lane; k < params.k; k += LANES) {
    ${each(columns, (j) => `let y${j} = b[b${j} + k];`)}
    ${each(rows, (i) => `let x${i} = a[a${i} + k];\n  ${each(columns, (j) => `c${i}_${j} += x${i} * y${j};`)}`)}
  }
  ${each(rows, (i) => each(columns, (j) => `c${i}_${j} = rowSum(c${i}_${j}, lane);`))}
  if (lane != 0u) { return; }
  ${each(
    rows,
    (i) => `if (row + ${i}u < params.m) {
  ${each(columns, (j) => `if (column + ${j}u < params.n) { c[(row + ${i}u) * params.n + column + ${j}u] = c${i}_${j}; }`)}
  }`,
  )}
}`
}
