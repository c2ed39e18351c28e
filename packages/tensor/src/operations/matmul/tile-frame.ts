import { each } from '../each'

/** The tile of c that a workgroup of `lanes` computes: rows by columns a lane, which are `lanes` apart. */
interface Tile {
  rows: number
  columns: number
  lanes: number
}

/**
 * What the kernels of tiles of c = op(a) · op(b) have in common: bindings, where a workgroup's tile is, and writing it. `fields`
 * are params of the kernel's own. With split-K (selectSplits) there is a line of workgroups for each `span` steps of k, and c
 * is [splits, m, n]: the tile is the sum over k from `first` to before `end`.
 *
 * Tiles past the edge repeat the last row or column, b0, b1, …, and write nothing.
 */
export function tileFrame({ rows, columns, lanes }: Tile, fields: readonly string[]) {
  const begin = `struct Params { m: u32, n: u32, k: u32, tilesAcross: u32, tiles: u32, splits: u32, span: u32, splitSize: u32, ${fields.map((field) => `${field}: u32`).join(', ')} }
@group(0) @binding(0) var<storage, read> a: array<element_a>;
@group(0) @binding(1) var<storage, read> b: array<element_b>;
@group(0) @binding(2) var<storage, read_write> c: array<element_c>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  let tile = index % params.tiles;
  let split = index / params.tiles;
  if (split >= params.splits) { return; }
  let first = split * params.span;
  let end = min(first + params.span, params.k);
  let row = (tile / params.tilesAcross) * ${rows}u;
  let column = (tile % params.tilesAcross) * ${columns * lanes}u + lane;
  ${each(columns, (j) => `let b${j} = min(column + ${j * lanes}u, params.n - 1u);`)}`
  /** Writes sums c0_0, c0_1, … to the places of the tile that there are. */
  const store = `let place = split * params.splitSize + row * params.n + column;
  ${each(rows, (i) => {
    const write = (j: number) =>
      `if (column + ${j * lanes}u < params.n) { store_c(place + ${i}u * params.n + ${j * lanes}u, c${i}_${j}); }`
    return `if (row + ${i}u < params.m) {\n  ${each(columns, write)}\n  }`
  })}`
  return { begin, store }
}
