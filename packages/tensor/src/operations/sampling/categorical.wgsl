// ids[row] ~ probabilities[row], by the inverse of the cumulative distribution at a Philox uniform. A token of probability 0
// is never drawn.
//
// probabilities: [rows, columns], not necessarily normalised    ids: u32 [rows]
// draws: u32 [rows, 4], seed and counter of each row, where byRow is 1, else anything
// A workgroup of LANES invocations a row, each with a run of columns; workgroups in a line, folded over x and y.
// A row with NaN, or without any mass, has no id: 0xffffffff.

struct Params { rows: u32, columns: u32, seedLow: u32, seedHigh: u32, offsetLow: u32, offsetHigh: u32, byRow: u32 }

@group(0) @binding(0) var<storage, read> probabilities: array<f32>;
@group(0) @binding(1) var<storage, read> draws: array<u32>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> masses: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let base = row * params.columns;
  let run = (params.columns + LANES - 1u) / LANES;
  let begin = min(lane * run, params.columns);
  let end = min(begin + run, params.columns);
  var mass = 0.0;
  var wrong = false;
  for (var i = begin; i < end; i++) {
    let probability = probabilities[base + i];
    mass += probability;
    if (isNaN(probability)) { wrong = true; }
  }
  if (wrong) { mass = -1.0; }
  masses[lane] = mass;
  workgroupBarrier();

  // Every lane adds up the runs in the same order, so exactly one of them finds the point in its own.
  var before = 0.0;
  var total = 0.0;
  var lastWithMass = 0u;
  for (var other = 0u; other < LANES; other++) {
    if (other == lane) { before = total; }
    total += masses[other];
    if (masses[other] > 0.0) { lastWithMass = other; }
    if (masses[other] < 0.0) { wrong = true; }
  }
  if (wrong || total == 0.0) {
    if (lane == 0u) { ids[row] = 0xffffffffu; }
    return;
  }
  let low = params.offsetLow + row;
  var seed = vec2u(params.seedLow, params.seedHigh);
  var counter = vec2u(low, params.offsetHigh + select(0u, 1u, low < row));
  if (params.byRow == 1u) {
    seed = vec2u(draws[4u * row], draws[4u * row + 1u]);
    counter = vec2u(draws[4u * row + 2u], draws[4u * row + 3u]);
  }
  let point = uniform01(seed, counter) * total;
  let inside = mass > 0.0 && before <= point && point < before + mass;
  if (!inside && !(point >= total && lane == lastWithMass)) { return; }
  var chosen = begin;
  var reached = before;
  for (var i = begin; i < end; i++) {
    let probability = probabilities[base + i];
    if (probability <= 0.0) { continue; }
    chosen = i;
    reached += probability;
    if (reached > point) { break; }
  }
  ids[row] = chosen;
}
