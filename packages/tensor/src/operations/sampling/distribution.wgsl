// The distribution that tokens are drawn from: softmax(logits / temperature) over what min-p, top-k and then top-p keep. Tokens are
// ranked by logit, ties by lowest index; what is kept is the head of that ranking: every token above a threshold, and so
// many of those at it. A row with NaN or +∞, or with nothing but −∞, has no distribution: all of it is NaN.
//
// logits, probabilities: [rows, columns]    settings: [rows, 5] where byRow is 1, else anything
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// reach: how far below the largest logit min-p keeps tokens, as a negative; topK: columns for all; topP: 1 for all.
// inverse: 1 / temperature. Settings of all rows are parameters; by row they are read, by the same pipeline, for the same bits.
//
// The threshold is found without a sort: f32 numbers are ordered as their bits are (the sign turned over), so the interval
// of bits that holds it is cut in four by the pivots of a pass, and drawn in to the logits that lie in it.

struct Params { rows: u32, columns: u32, byRow: u32, reach: f32, topK: f32, topP: f32, temperature: f32, inverse: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> settings: array<f32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const LOWEST = -3.4e38;

struct Settings { reach: f32, topK: f32, topP: f32, temperature: f32, inverse: f32 }

fn settings_of(row: u32) -> Settings {
  if (params.byRow == 0u) {
    return Settings(params.reach, params.topK, params.topP, params.temperature, params.inverse);
  }
  let at = 5u * row;
  return Settings(settings[at], settings[at + 1u], settings[at + 2u], settings[at + 3u], settings[at + 4u]);
}

struct Head { threshold: f32, ties: f32 }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let by = settings_of(row);
  var extremes = vec4f(LOWEST);
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logit(begin + i);
    let wrong = select(0.0, 1.0, isNoLogit(logits[begin + i]));
    extremes = max(extremes, vec4f(x, -x, wrong, LOWEST));
  }
  extremes = rowMax4(extremes, lane);
  let largest = extremes.x;
  if (extremes.z > 0.0 || largest <= LOWEST) {
    let none = bitcast<f32>(0x7fc00000u | min(row, 0u)); // a constant cannot be NaN
    for (var i = lane; i < params.columns; i += LANES) { probabilities[begin + i] = none; }
    return;
  }
  var head = Head(max(-extremes.y, largest + by.reach), f32(params.columns));
  if (by.topK < f32(params.columns)) {
    var goal = by.topK;
    if (by.reach > LOWEST) { goal = min(goal, tokensFrom(begin, lane, head.threshold)); }
    head = search(begin, lane, head, largest, goal, false, by);
  }
  var total = mass(begin, lane, head, largest, by);
  if (by.topP < 1.0) {
    head = search(begin, lane, head, largest, by.topP * total.x, true, by);
    total = mass(begin, lane, head, largest, by);
  }
  var end = params.columns; // the tokens at the threshold are kept before this column
  if (head.ties < total.y) { end = endOfTies(begin, lane, head); }
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logit(begin + i);
    var probability = 0.0;
    if (x > head.threshold || (x == head.threshold && i < end)) { probability = weight(x, largest, by) / total.x; }
    probabilities[begin + i] = probability;
  }
}

/** A token masked by −∞ has a finite logit too. */
fn logit(at: u32) -> f32 { return max(logits[at], LOWEST); }

/** exp((x − largest) / temperature), 0 where that is below −200. */
fn weight(x: f32, largest: f32, by: Settings) -> f32 {
  return exp(max(x - largest, -200.0 * by.temperature) * by.inverse);
}

/** The weight of a head, and the number of tokens at its threshold. */
fn mass(begin: u32, lane: u32, head: Head, largest: f32, by: Settings) -> vec2f {
  var sums = vec4f(0.0); // weight above, number at
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logit(begin + i);
    if (x > head.threshold) { sums.x += weight(x, largest, by); }
    if (x == head.threshold) { sums.y += 1.0; }
  }
  sums = rowSum4(sums, lane);
  return vec2f(sums.x + min(head.ties, sums.y) * weight(head.threshold, largest, by), sums.y);
}

/** How many tokens there are from a threshold up. */
fn tokensFrom(begin: u32, lane: u32, threshold: f32) -> f32 {
  var count = vec4f(0.0);
  for (var i = lane; i < params.columns; i += LANES) {
    if (logit(begin + i) >= threshold) { count.x += 1.0; }
  }
  return rowSum4(count, lane).x;
}

/** The shortest head within `outer` that has the target's weight, or its number of tokens; one token at least. */
fn search(begin: u32, lane: u32, outer: Head, largest: f32, goal: f32, byWeight: bool, by: Settings) -> Head {
  var low = ordered(outer.threshold); // the tokens from here up reach the goal
  var high = ordered(largest) + 1u; // those from here up do not: they come to `above`
  var above = 0.0;
  while (low + 1u < high) {
    let step = max((high - low) / 4u, 1u);
    let pivots = min(vec4u(low + step, low + 2u * step, low + 3u * step, high - 1u), vec4u(high - 1u));
    let values = vec4f(number(pivots.x), number(pivots.y), number(pivots.z), number(pivots.w));
    let lowest = number(low);
    let highest = number(high);
    var sums = vec4f(0.0);
    var bounds = vec4f(LOWEST); // the largest below `highest`, and the smallest from `lowest` up as a negative
    for (var i = lane; i < params.columns; i += LANES) {
      let x = logit(begin + i);
      if (x < lowest) { continue; }
      var share = 1.0;
      if (byWeight) { share = weight(x, largest, by); }
      sums += select(vec4f(0.0), vec4f(share), vec4f(x) >= values);
      bounds.y = max(bounds.y, -x);
      if (x < highest) { bounds.x = max(bounds.x, x); }
    }
    sums = rowSum4(sums, lane);
    bounds = rowMax4(bounds, lane);
    for (var i = 0u; i < 4u; i++) {
      if (sums[i] < goal) { high = pivots[i]; above = sums[i]; break; }
      low = pivots[i];
    }
    low = max(low, ordered(-bounds.y));
    high = min(high, ordered(bounds.x) + 1u);
  }
  let threshold = number(low);
  var ties = goal - above;
  if (byWeight) { ties = max(ceil(ties / max(weight(threshold, largest, by), 1e-37)), 1.0); }
  // At the outer head's threshold there is only what it left.
  if (threshold == outer.threshold) { ties = min(ties, outer.ties); }
  return Head(threshold, ties);
}

/** The column behind the last token at the threshold that is kept. */
fn endOfTies(begin: u32, lane: u32, head: Head) -> u32 {
  var low = 0u; // before this column are fewer ties than are kept
  var high = params.columns; // before this one, enough
  while (low + 1u < high) {
    let step = max((high - low) / 5u, 1u);
    let pivots = min(low + step * vec4u(1u, 2u, 3u, 4u), vec4u(high));
    var counts = vec4f(0.0);
    for (var i = lane; i < params.columns; i += LANES) {
      if (logit(begin + i) == head.threshold) { counts += select(vec4f(0.0), vec4f(1.0), vec4u(i) < pivots); }
    }
    counts = rowSum4(counts, lane);
    for (var i = 0u; i < 4u; i++) {
      if (counts[i] >= head.ties) { high = pivots[i]; break; }
      low = pivots[i];
    }
  }
  return high;
}

/** The rank of a number among all f32, and back. */
fn ordered(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}
fn number(rank: u32) -> f32 {
  return bitcast<f32>(select(~rank, rank & 0x7fffffffu, rank >= 0x80000000u));
}
