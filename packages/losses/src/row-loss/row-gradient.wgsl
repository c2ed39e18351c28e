// The gradient of a row loss in the draft's logits: dlogits(x) = dvalue · (m(x) − p(x) Σ m), m(x) = p(x)·w(x).
//
// draft_logits, dlogits: [rows, draftColumns]    target_logits: [rows, targetColumns]    labels, drawn: u32 [rows]
// stats, pooled: as in row-values.wgsl    dvalues: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y. Columns are vectors of VECTOR_SIZE tokens.
// The padding of the draft's vocabulary has gradient 0, and so has
// a row whose dvalue is 0. Logits that are no distribution have gradient NaN.

struct Params { rows: u32, columns: u32, draftColumns: u32, targetColumns: u32, scopeRows: u32 }

@group(0) @binding(0) var<storage, read> draft_logits: array<V>;
@group(0) @binding(1) var<storage, read> target_logits: array<V>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> drawn: array<u32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read> pooled: array<f32>;
@group(0) @binding(6) var<storage, read> dvalues: array<f32>;
@group(0) @binding(7) var<storage, read_write> dlogits: array<V>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= params.rows) { return; }
  let row = readRow(index, params.scopeRows);
  let d = index * params.draftColumns;
  let t = index * params.targetColumns;
  let upstream = dvalues[index];
  let columns = select(params.columns, 0u, upstream == 0.0);
  var own = V();
  for (var i = lane; i < columns; i += LANES) { own += lossMasses(row, tokensAt(index, i, d, t)); }
  let total = rowSum(sumOf(own), lane);
  let none = isNone(row);
  for (var i = lane; i < columns; i += LANES) {
    let tokens = tokensAt(index, i, d, t);
    dlogits[d + i] = upstream * (lossMasses(row, tokens) - tokens.p * total);
    if (none) { dlogits[d + i] = V(row.alpha); }
  }
  for (var i = columns + lane; i < params.draftColumns; i += LANES) { dlogits[d + i] = V(); }
}

fn tokensAt(index: u32, i: u32, d: u32, t: u32) -> Tokens {
  let logP = draft_logits[d + i] - stats[index * (3u + SUMS)];
  let p = exp(logP);
  let is_label = isAt(i, labels[index]);
  let is_drawn = isAt(i, drawn[index]);
  if (!HAS_TARGET) { return Tokens(p, p, logP, logP, is_label, is_drawn); }
  let logQ = target_logits[t + i] - stats[index * (3u + SUMS) + 1u];
  return Tokens(p, exp(logQ), logP, logQ, is_label, is_drawn);
}
