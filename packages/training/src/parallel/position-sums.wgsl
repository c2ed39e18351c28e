// sums[k] = how many rows are of position k of a block, Σ α over these, and Σ α · reached: the probability that the token there is
// accepted with all before it.
//
// rates, reached: [rows] (reached.wgsl)    masks: u32 [rows], k, or none of the positions where a row does not count
// sums: [positions, 3]
// A workgroup of LANES invocations a position.

struct Params { rows: u32 }

@group(0) @binding(0) var<storage, read> rates: array<f32>;
@group(0) @binding(1) var<storage, read> reached: array<f32>;
@group(0) @binding(2) var<storage, read> masks: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var count = 0.0;
  var rate = 0.0;
  var accepted = 0.0;
  for (var row = lane; row < params.rows; row += LANES) {
    if (masks[row] == group.x) {
      count += 1.0;
      rate += rates[row];
      accepted += rates[row] * reached[row];
    }
  }
  count = rowSum(count, lane);
  rate = rowSum(rate, lane);
  accepted = rowSum(accepted, lane);
  if (lane == 0u) {
    sums[3u * group.x] = count;
    sums[3u * group.x + 1u] = rate;
    sums[3u * group.x + 2u] = accepted;
  }
}
