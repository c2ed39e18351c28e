/** What kernels of c = op(a) · op(b) bind whose tiles lie in workgroup memory. With split-K as in tile-frame.ts. */
export const tileBindings = `struct Params { m: u32, n: u32, k: u32, tilesAcross: u32, tiles: u32, splits: u32, span: u32, splitSize: u32 }
@group(0) @binding(0) var<storage, read> a: array<element_a>;
@group(0) @binding(1) var<storage, read> b: array<element_b>;
@group(0) @binding(2) var<storage, read_write> c: array<element_c>;
@group(1) @binding(0) var<uniform> params: Params;`

/** Declares the first `row` and `column` of a workgroup's tile of so many, and its steps of k, `begin` to before `end`, of its `split`. */
export const tilePlace = (rows: number, columns: number): string => `let index = group.x + group.y * groups.x;
  let split = index / params.tiles;
  if (split >= params.splits) { return; }
  let tile = index % params.tiles;
  let begin = split * params.span;
  let end = min(begin + params.span, params.k);
  let row = (tile / params.tilesAcross) * ${rows}u;
  let column = (tile % params.tilesAcross) * ${columns}u;`
