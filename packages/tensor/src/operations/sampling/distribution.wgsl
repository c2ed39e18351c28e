// The distribution that is sampled from: logits / temperature → top-k → softmax → top-p → renormalised; or, greedy, 1 at the
// largest logit. What is cut has probability exactly 0.
//
// logits, probabilities: [rows, columns]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// Prelude: rowSum, rowMax (row-reduction.ts).
//
// Nothing is sorted: the k-th largest logit, and the least likely token that top-p keeps, are found bit by bit as numbers
// whose order is that of the floats. Among equals the lowest indices are kept.

struct Params { rows: u32, columns: u32, temperature: f32, topK: u32, topP: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> probabilities: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Unsigned numbers in the order of the floats that they stand for.
fn ordered(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31u) == 1u);
}

// Keeps what is above `value`, and of what equals it the indices up to `index`.
struct Cut { value: u32, index: u32 }

fn kept(order: u32, i: u32, cut: Cut) -> bool {
  return order > cut.value || (order == cut.value && i <= cut.index);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;

  var own = -3.4e38;
  for (var i = lane; i < params.columns; i += LANES) { own = max(own, logits[begin + i]); }
  let largest = rowMax(own, lane);

  var top = Cut(0u, params.columns);
  if (params.topK < params.columns) { top = topKCut(begin, lane); }

  let scale = 1.0 / params.temperature;
  var mass = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logits[begin + i];
    if (kept(ordered(x), i, top)) { mass += exp((x - largest) * scale); }
  }
  var total = rowSum(mass, lane);

  var nucleus = Cut(0u, params.columns);
  if (params.topP < 1.0) {
    nucleus = topPCut(begin, lane, largest, scale, total, top);
    mass = 0.0;
    for (var i = lane; i < params.columns; i += LANES) {
      let x = logits[begin + i];
      let order = ordered(x);
      if (kept(order, i, top) && kept(order, i, nucleus)) { mass += exp((x - largest) * scale); }
    }
    total = rowSum(mass, lane);
  }

  for (var i = lane; i < params.columns; i += LANES) {
    let x = logits[begin + i];
    let order = ordered(x);
    let inside = kept(order, i, top) && kept(order, i, nucleus);
    probabilities[begin + i] = select(0.0, exp((x - largest) * scale) / total, inside);
  }
}

// The k-th largest logit, and the last index among those equal to it that is still among the k.
fn topKCut(begin: u32, lane: u32) -> Cut {
  let k = f32(params.topK);
  var value = 0u;
  for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
    let candidate = value | bit;
    var count = 0.0;
    for (var i = lane; i < params.columns; i += LANES) { count += select(0.0, 1.0, ordered(logits[begin + i]) >= candidate); }
    if (rowSum(count, lane) >= k) { value = candidate; }
  }
  var above = 0.0;
  for (var i = lane; i < params.columns; i += LANES) { above += select(0.0, 1.0, ordered(logits[begin + i]) > value); }
  let equals = k - rowSum(above, lane);
  return Cut(value, lastIndex(begin, lane, value, equals, Cut(0u, params.columns)));
}

// The smallest set of likeliest tokens whose mass reaches topP of all: the value of the least likely one, and the last index
// among its equals that is needed.
fn topPCut(begin: u32, lane: u32, largest: f32, scale: f32, total: f32, top: Cut) -> Cut {
  let wanted = params.topP * total;
  var value = 0u;
  for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
    let candidate = value | bit;
    var mass = 0.0;
    for (var i = lane; i < params.columns; i += LANES) {
      let x = logits[begin + i];
      let order = ordered(x);
      if (order >= candidate && kept(order, i, top)) { mass += exp((x - largest) * scale); }
    }
    let reached = rowSum(mass, lane);
    if (reached > 0.0 && reached >= wanted) { value = candidate; }
  }
  var above = 0.0;
  var one = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logits[begin + i];
    let order = ordered(x);
    if (order > value && kept(order, i, top)) { above += exp((x - largest) * scale); }
    if (order == value) { one = exp((x - largest) * scale); }
  }
  above = rowSum(above, lane);
  one = rowMax(one, lane);
  let equals = max(1.0, ceil((wanted - above) / max(one, 1.0e-38)));
  return Cut(value, lastIndex(begin, lane, value, equals, top));
}

// The smallest index up to which `wanted` elements equal `value`.
fn lastIndex(begin: u32, lane: u32, value: u32, wanted: f32, top: Cut) -> u32 {
  var low = 0u;
  var high = params.columns - 1u;
  // As many halvings as the columns need, counted apart from low and high: the lanes must stay together for rowSum.
  for (var left = params.columns; left > 0u; left >>= 1u) {
    let middle = (low + high) / 2u;
    var count = 0.0;
    for (var i = lane; i <= middle; i += LANES) {
      let order = ordered(logits[begin + i]);
      count += select(0.0, 1.0, order == value && kept(order, i, top));
    }
    let enough = rowSum(count, lane) >= wanted;
    high = select(high, middle, enough && low < high);
    low = select(min(middle + 1u, high), low, enough || low >= high);
  }
  return low;
}
