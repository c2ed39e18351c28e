// The gradient of a row loss in the draft's logits: dlogits(x) = dvalue · (m(x) − p(x) Σ m), m(x) = p(x)·w(x).
//
// draft, dlogits: [rows, draftColumns]    target: [rows, targetColumns]    labels, drawn: u32 [rows]
// stats, means: as in row-values.wgsl    dvalues: [rows]
// A workgroup of LANES invocations a row; workgroups in a line, folded over x and y.
// Prelude: rowSum; Token, Row, lossMass. The padding of the draft's vocabulary has gradient 0.

struct Params { rows: u32, columns: u32, draftColumns: u32, targetColumns: u32, scopeRows: u32 }

@group(0) @binding(0) var<storage, read> draft: array<f32>;
@group(0) @binding(1) var<storage, read> target_logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> drawn: array<u32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read> means: array<f32>;
@group(0) @binding(6) var<storage, read> dvalues: array<f32>;
@group(0) @binding(7) var<storage, read_write> dlogits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= params.rows) { return; }
  let row = readRow(index, params.scopeRows);
  let d = index * params.draftColumns;
  let t = index * params.targetColumns;
  var own = 0.0;
  for (var i = lane; i < params.columns; i += LANES) { own += lossMass(row, tokenAt(index, i, d, t)); }
  let total = rowSum(own, lane);
  let upstream = dvalues[index];
  for (var i = lane; i < params.draftColumns; i += LANES) {
    var slope = 0.0;
    if (i < params.columns && upstream != 0.0) {
      let token = tokenAt(index, i, d, t);
      slope = upstream * (lossMass(row, token) - token.p * total);
    }
    dlogits[d + i] = slope;
  }
}

fn tokenAt(index: u32, i: u32, d: u32, t: u32) -> Token {
  let logP = draft[d + i] - stats[index * (3u + SUMS)];
  let logQ = target_logits[t + i] - stats[index * (3u + SUMS) + 1u];
  return Token(exp(logP), exp(logQ), logP, logQ, select(0.0, 1.0, i == labels[index]), select(0.0, 1.0, i == drawn[index]));
}
