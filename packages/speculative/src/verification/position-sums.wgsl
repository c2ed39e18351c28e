// What verification needs to know of each position i of the draft (0 … n−1), and the weight of the whole draft (row n). Of γ
// drafted tokens the first n = count are proposed, all where none is given; rows behind are zero.
//   Σₓ min(p(x), q(x))        the acceptance rate α of the position
//   Σₓ ruleResidual           the mass of the residual after i accepted tokens
//   fault                     1 where p, or the drafted id, is no number, 2 where q is not: whole rows of q are NaN then
//   wᵢ                        ruleWeight of wᵢ₋₁ and drafted token i, w₀ = 1
//
// p: [γ, V]    q: [γ+1, V]    tokens: u32 [γ]    sums: [γ+1, 4] (α, residual mass, wᵢ, fault)
// count: u32 [1] where COUNTED, else anything
// A workgroup of LANES invocations a row of sums; the row n has no sums over V.

struct Params { draftLength: u32, vocabulary: u32 }

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(4) var<storage, read> count: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let position = group.x;
  let proposed = select(params.draftLength, min(count[0], params.draftLength), COUNTED);
  if (position > proposed) {
    if (lane == 0u) { sums[position] = vec4f(); }
    return;
  }
  var w = 1.0;
  for (var i = 0u; i < position; i++) {
    let at = i * params.vocabulary + tokens[i];
    w = ruleWeight(w, p[at], q[at]);
  }
  var sum = vec4f();
  if (position < proposed) {
    let begin = position * params.vocabulary;
    for (var i = begin + lane; i < begin + params.vocabulary; i += LANES) {
      let chance = p[i];
      let goal = q[i];
      sum += vec4f(min(chance, goal), ruleResidual(chance, goal, w), select(0.0, 1.0, isNaN(chance)), 0.0);
    }
  }
  sum = rowSum4(sum, lane);
  var fault = 0.0;
  if (isNaN(q[position * params.vocabulary])) { fault = 2.0; }
  if (sum.z > 0.0 || (position < proposed && tokens[position] >= params.vocabulary)) { fault = 1.0; }
  if (lane == 0u) { sums[position] = vec4f(sum.xy, w, fault); }
}
