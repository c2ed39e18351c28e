// probabilities = the distribution that tokens are drawn from: softmax(logits / temperature) over what top-k and then top-p
// keep. Tokens are ranked by logit, ties by lowest index; a kept set is the head of that ranking, told by a threshold, and
// how many of the tokens at the threshold are kept.
//
// logits, probabilities: [rows, columns]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// Prelude: rowSum4, rowMax4, the same in all invocations (row-reduction.ts). topK: columns for all; topP: 1 for all.
//
// The threshold is found without a sort: f32 numbers are ordered as their bits are (with the sign turned over), so the
// interval of bits that holds it is cut in five by four pivots a pass, and drawn in to the logits that lie in it.

struct Params { rows: u32, columns: u32, topK: u32, topP: f32, temperature: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> probabilities: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const LOWEST = -3.4e38;

/** The head of the ranking: everything above the threshold, and `ties` of those at it. */
struct Kept { threshold: f32, above: f32, ties: f32 }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  var range = vec4f(LOWEST);
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logit(begin + i);
    range = max(range, vec4f(x, -x, x, x));
  }
  range = rowMax4(range, lane);
  let largest = range.x;
  var kept = Kept(-range.y, 0.0, f32(params.columns));
  if (params.topK < params.columns) { kept = head(begin, lane, largest, kept.threshold, f32(params.topK), false); }
  if (params.topP < 1.0) {
    let whole = measure(begin, lane, largest, vec4f(kept.threshold), true);
    let mass = whole.x + min(kept.ties, whole.y) * weight(kept.threshold, largest);
    let nucleus = head(begin, lane, largest, kept.threshold, params.topP * mass, true);
    // At the threshold of top-k only what top-k left is there to take.
    kept = Kept(nucleus.threshold, nucleus.above, select(nucleus.ties, min(nucleus.ties, kept.ties), nucleus.threshold == kept.threshold));
  }
  let whole = measure(begin, lane, largest, vec4f(kept.threshold), true);
  let total = whole.x + min(kept.ties, whole.y) * weight(kept.threshold, largest);
  var end = params.columns; // tokens at the threshold are kept before this column
  if (kept.ties < whole.y) { end = columnOfTie(begin, lane, kept.threshold, kept.ties); }
  for (var i = lane; i < params.columns; i += LANES) {
    let x = logit(begin + i);
    let keep = x > kept.threshold || (x == kept.threshold && i < end);
    probabilities[begin + i] = select(0.0, weight(x, largest) / total, keep);
  }
}

/** A masked token's −∞ as a finite number. */
fn logit(at: u32) -> f32 { return max(logits[at], LOWEST); }

/** exp((x − largest) / temperature), 0 from −200 on. */
fn weight(x: f32, largest: f32) -> f32 {
  return exp(max(x - largest, -200.0 * params.temperature) / params.temperature);
}

/** (mass above the first pivot, number at it). */
