// values[row, r], indices[row, r] = the row's r-th largest element and its column; of equals, the lower column first.
// A row with NaN has none: NaN and 0xffffffff.
//
// x: [rows, columns]    values: [rows, k]    indices: u32 [rows, k]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y. Each of the k rounds looks for the largest
// element that comes after the one before.

struct Params { rows: u32, columns: u32, k: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

const none = 0xffffffffu;
const lowest = -3.4e38;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  var wrong = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    if (isNaN(x[begin + i])) { wrong = 1.0; }
  }
  let isNone = rowMax(wrong, lane) > 0.0;
  var before = 3.4e38;
  var beforeColumn = none; // in the first round nothing is left out
  for (var rank = 0u; rank < params.k; rank++) {
    var best = lowest;
    var column = none;
    for (var i = lane; i < params.columns; i += LANES) {
      let value = max(x[begin + i], lowest);
      let follows = beforeColumn == none || value < before || (value == before && i > beforeColumn);
      if (follows && (column == none || value > best)) { best = value; column = i; }
    }
    let largest = rowMax(best, lane);
    // Columns are compared as negative numbers, in two halves that f32 holds exactly: the first of the largest wins.
    let found = column != none && best == largest;
    let high = -rowMax(select(-65536.0, -f32(column >> 16u), found), lane);
    let low = -rowMax(select(-65536.0, -f32(column & 0xffffu), found && f32(column >> 16u) == high), lane);
    before = largest;
    beforeColumn = (u32(high) << 16u) | u32(low);
    if (lane == 0u) {
      values[row * params.k + rank] = bitcast<f32>(select(bitcast<u32>(largest), 0x7fc00000u, isNone));
      indices[row * params.k + rank] = select(beforeColumn, none, isNone);
    }
  }
}
