// reached[i] = the product of α over what stands before row i in its block: the probability that the block gets there.
//
// rates: [rows]    before: u32 [rows], the row before each in its block, its own number where it is the first    reached: [rows]
// One invocation a row; workgroups in a line, folded over x and y.

struct Params { rows: u32 }

@group(0) @binding(0) var<storage, read> rates: array<f32>;
@group(0) @binding(1) var<storage, read> before: array<u32>;
@group(0) @binding(2) var<storage, read_write> reached: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.rows) { return; }
  var product = 1.0;
  for (var row = i; before[row] != row; ) {
    row = before[row];
    product *= rates[row];
  }
  reached[i] = product;
}
