// Picks one element a row: y[row] = x[row, ids[row]] (SCATTER false), or puts it back: x[row, ids[row]] = y[row] over zeros.
//
// x: [rows, columns]    ids: u32 [rows]    y: [rows]
// One invocation a row. An id past the columns picks 0.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3u) {
  let row = global.x;
  if (row >= params.rows) { return; }
  let id = ids[row];
  if (SCATTER) {
    if (id < params.columns) { result[row * params.columns + id] = source[row]; }
  } else {
    result[row] = select(0.0, source[row * params.columns + min(id, params.columns - 1u)], id < params.columns);
  }
}
