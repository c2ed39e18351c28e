// One pass of a row loss over the vocabulary: the normalisers of both softmaxes, α = Σ min(p, q), and the loss's sums.
//
// draft: [rows, draftColumns]    target: [rows, targetColumns]    labels, drawn: u32 [rows]
// stats: [rows, 3 + SUMS]: ln Σ exp of the draft's row, of the target's, α, the sums
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// Prelude: rowSum, rowMax4, rowSum4; Token, addTerms. Columns past `columns` are padding of one vocabulary and count as absent.

struct Params { rows: u32, columns: u32, draftColumns: u32, targetColumns: u32 }

@group(0) @binding(0) var<storage, read> draft: array<f32>;
@group(0) @binding(1) var<storage, read> target_logits: array<f32>;
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
  var largest = vec4f(-3.4e38, -3.4e38, 0.0, 0.0);
  for (var i = lane; i < params.columns; i += LANES) {
    largest = vec4f(max(largest.x, draft[d + i]), max(largest.y, target_logits[t + i]), 0.0, 0.0);
  }
  largest = rowMax4(largest, lane);
  var mass = vec4f(0.0);
  for (var i = lane; i < params.columns; i += LANES) {
    mass += vec4f(exp(draft[d + i] - largest.x), exp(target_logits[t + i] - largest.y), 0.0, 0.0);
  }
  mass = rowSum4(mass, lane);
  let shift = largest.xy + log(mass.xy);
  let label = labels[row];
  let draw = drawn[row];
  var alpha = 0.0;
  var sums: array<f32, max(SUMS, 1u)>;
  for (var i = lane; i < params.columns; i += LANES) {
    let logP = draft[d + i] - shift.x;
    let logQ = target_logits[t + i] - shift.y;
    let token = Token(exp(logP), exp(logQ), logP, logQ, select(0.0, 1.0, i == label), select(0.0, 1.0, i == draw));
    alpha += min(token.p, token.q);
    addTerms(token, &sums);
  }
  let whole = rowSum(alpha, lane);
  let at = row * (3u + SUMS);
  if (lane == 0u) {
    stats[at] = shift.x;
    stats[at + 1u] = shift.y;
    stats[at + 2u] = whole;
  }
  for (var k = 0u; k < SUMS; k++) {
    let sum = rowSum(sums[k], lane);
    if (lane == 0u) { stats[at + 3u + k] = sum; }
  }
}
