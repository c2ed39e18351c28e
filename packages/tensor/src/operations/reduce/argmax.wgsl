// y[row] = the column of the row's largest element; of several, the first. A row with NaN has none, 0xffffffff; where LOGITS,
// neither has one with +∞, or with nothing but −∞.
//
// x: [rows, columns]    y: u32 [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  var best = -3.4e38;
  var column = params.columns - 1u;
  var wrong = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    let value = x[begin + i];
    if (select(isNaN(value), isNoLogit(value), LOGITS)) { wrong = 1.0; }
    if (value > best) { best = value; column = i; }
  }
  let largest = rowMax(best, lane);
  // Columns are compared as negative numbers, in two halves that f32 holds exactly: the first of the largest wins.
  let high = -rowMax(select(-65536.0, -f32(column >> 16u), best == largest), lane);
  let low = -rowMax(select(-65536.0, -f32(column & 0xffffu), best == largest && f32(column >> 16u) == high), lane);
  let none = rowMax(wrong, lane) > 0.0 || (LOGITS && largest == -3.4e38);
  if (lane == 0u) { y[row] = select((u32(high) << 16u) | u32(low), 0xffffffffu, none); }
}
