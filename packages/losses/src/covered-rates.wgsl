// α = Σ min(p, q) of rows of covered ids, where q is the target's own distribution, of which these are some.
//
// draft_logits, target_logits: [rows, columns]    log_normalizers: [rows], ln Σ exp of the target's logits of all ids
// rates: [rows]; NaN where logits are no distribution (NaN, +∞; the draft's nothing but −∞)
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y. Columns are vectors.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> draft_logits: array<V>;
@group(0) @binding(1) var<storage, read> target_logits: array<V>;
@group(0) @binding(2) var<storage, read> log_normalizers: array<f32>;
@group(0) @binding(3) var<storage, read_write> rates: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let begin = row * params.columns;
  let end = begin + params.columns;
  var most = V(-3.4e38);
  var wrong = 0.0;
  for (var i = begin + lane; i < end; i += LANES) {
    most = max(most, draft_logits[i]);
    if (anyNoLogit(draft_logits[i]) || anyNoLogit(target_logits[i])) { wrong = 1.0; }
  }
  let largest = rowMax4(vec4f(maxOf(most), wrong, 0.0, 0.0), lane);
  var masses = V();
  for (var i = begin + lane; i < end; i += LANES) { masses += exp(draft_logits[i] - largest.x); }
  let mass = rowSum(sumOf(masses), lane);
  let logP = largest.x + log(mass);
  let logQ = log_normalizers[row];
  var alpha = V();
  for (var i = begin + lane; i < end; i += LANES) { alpha += min(exp(draft_logits[i] - logP), exp(target_logits[i] - logQ)); }
  let whole = rowSum(sumOf(alpha), lane);
  // By its bits: a comparison with NaN may say anything.
  let isNone = largest.y > 0.0 || mass <= 0.0 || (bitcast<u32>(logQ) & 0x7f800000u) == 0x7f800000u;
  if (lane == 0u) { rates[row] = bitcast<f32>(select(bitcast<u32>(whole), 0x7fc00000u, isNone)); }
}
