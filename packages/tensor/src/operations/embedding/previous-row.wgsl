// Chains the rows that share an id: previous[row] = 1 + the nearest row before with the same id (0: none), and
// last[row] = 1 if no row after it has the same id.
//
// ids: u32 [rows]    previous, last: u32 [rows]
// One invocation a row.

struct Params { rows: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> previous: array<u32>;
@group(0) @binding(2) var<storage, read_write> last: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3u) {
  let row = global.x;
  if (row >= params.rows) { return; }
  let id = ids[row];
  var before = row;
  while (before > 0u && ids[before - 1u] != id) { before--; }
  previous[row] = before;
  var after = row + 1u;
  while (after < params.rows && ids[after] != id) { after++; }
  last[row] = select(0u, 1u, after == params.rows);
}
