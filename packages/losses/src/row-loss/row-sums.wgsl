// One pass of a row loss over the vocabulary: the normalisers of both softmaxes, α = Σ min(p, q), and the loss's sums.
//
// draft_logits: [rows, draftColumns]    target_logits: [rows, targetColumns]    labels, drawn: u32 [rows]
// stats: [rows, 3 + SUMS]: ln Σ exp of the draft's row, of the target's, α, the sums
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y. Columns are vectors of VECTOR_SIZE tokens;
// those past `columns` are padding of one vocabulary and count as absent. Without HAS_TARGET, q is p.
// Logits that are no distribution (NaN, +∞, nothing but −∞) leave NaN for α: min(NaN, q) may be q, and α 1.

struct Params { rows: u32, columns: u32, draftColumns: u32, targetColumns: u32 }

@group(0) @binding(0) var<storage, read> draft_logits: array<V>;
@group(0) @binding(1) var<storage, read> target_logits: array<V>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> drawn: array<u32>;
@group(0) @binding(4) var<storage, read_write> stats: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let d = row * params.draftColumns;
  let t = row * params.targetColumns;
  var most_p = V(-3.4e38);
  var most_q = V(-3.4e38);
  var wrong = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    most_p = max(most_p, draft_logits[d + i]);
    if (anyNoLogit(draft_logits[d + i])) { wrong = 1.0; }
    if (HAS_TARGET) {
      most_q = max(most_q, target_logits[t + i]);
      if (anyNoLogit(target_logits[t + i])) { wrong = 1.0; }
    }
  }
  let largest = rowMax4(vec4f(maxOf(most_p), maxOf(most_q), wrong, 0.0), lane);
  var mass_p = V();
  var mass_q = V();
  for (var i = lane; i < params.columns; i += LANES) {
    mass_p += exp(draft_logits[d + i] - largest.x);
    if (HAS_TARGET) { mass_q += exp(target_logits[t + i] - largest.y); }
  }
  let mass = rowSum4(vec4f(sumOf(mass_p), sumOf(mass_q), 0.0, 0.0), lane);
  let logSumExp = largest.xy + log(mass.xy);
  let isNone = largest.z > 0.0 || mass.x <= 0.0 || (HAS_TARGET && mass.y <= 0.0);
  let label = labels[row];
  let draw = drawn[row];
  var alpha = V();
  var sums: array<f32, max(SUMS, 1u)>;
  for (var i = lane; i < params.columns; i += LANES) {
    let logP = draft_logits[d + i] - logSumExp.x;
    let p = exp(logP);
    var logQ = logP;
    var q = p;
    if (HAS_TARGET) {
      logQ = target_logits[t + i] - logSumExp.y;
      q = exp(logQ);
    }
    alpha += min(p, q);
    addTokens(Tokens(p, q, logP, logQ, isAt(i, label), isAt(i, draw)), &sums);
  }
  let whole = rowSum(sumOf(alpha), lane);
  let at = row * (3u + SUMS);
  if (lane == 0u) {
    stats[at] = logSumExp.x;
    stats[at + 1u] = logSumExp.y;
    stats[at + 2u] = bitcast<f32>(select(bitcast<u32>(whole), 0x7fc00000u, isNone));
  }
  for (var k = 0u; k < SUMS; k++) {
    let sum = rowSum(sums[k], lane);
    if (lane == 0u) { stats[at + 3u + k] = sum; }
  }
}
