// sums[scope] = how many of the scope's rows count, and the sums over those: what their means are made of.
//
// stats: [rows, 3 + SUMS] (row-sums.wgsl)    mask: [rows]    sums: [scopes, 1 + SUMS]
// A workgroup of LANES invocations a scope; workgroups in a line, folded over x and y.

struct Params { rows: u32, scopeRows: u32 }

@group(0) @binding(0) var<storage, read> stats: array<f32>;
@group(0) @binding(1) var<storage, read> mask: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  let begin = index * params.scopeRows;
  if (begin >= params.rows) { return; }
  let end = min(begin + params.scopeRows, params.rows);
  var own = 0.0;
  for (var row = begin + lane; row < end; row += LANES) { own += mask[row]; }
  let count = rowSum(own, lane);
  if (lane == 0u) { sums[index * (1u + SUMS)] = count; }
  for (var k = 0u; k < SUMS; k++) {
    var total = 0.0;
    for (var row = begin + lane; row < end; row += LANES) { total += mask[row] * stats[row * (3u + SUMS) + 3u + k]; }
    total = rowSum(total, lane);
    if (lane == 0u) { sums[index * (1u + SUMS) + 1u + k] = total; }
  }
}
