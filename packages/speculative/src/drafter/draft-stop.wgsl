// How many tokens of a draft are proposed, step by step: after token `index` was drawn from p, of its logits where LOGITS.
// By the entropy H(p) (ENTROPY) the draft ends before a token whose 1 − √(w·H) is below the threshold; else behind the first
// token x whose p(x) is. The first token is proposed in any case.
//
// x: [columns] p or logits    id: u32 [1], where LOGITS the largest's    count, going: u32 [1]    threshold: [1]
// One workgroup.

struct Params { index: u32, columns: u32, weight: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> id: array<u32>;
@group(0) @binding(2) var<storage, read_write> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> going: array<u32>;
@group(0) @binding(4) var<storage, read> threshold: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var largest = 0.0;
  if (LOGITS) {
    largest = -3.4e38;
    for (var i = lane; i < params.columns; i += LANES) { largest = max(largest, x[i]); }
    largest = rowMax(largest, lane);
  }
  // Of logits Σ e^l and Σ l e^l, l from the largest; of p Σ p ln p.
  var sum = vec4f();
  if (LOGITS || ENTROPY) {
    for (var i = lane; i < params.columns; i += LANES) {
      if (LOGITS) {
        let l = x[i] - largest;
        let e = exp(l);
        if (e > 0.0) { sum += vec4f(e, l * e, 0.0, 0.0); }
      } else if (x[i] > 0.0) {
        sum.y += x[i] * log(x[i]);
      }
    }
    sum = rowSum4(sum, lane);
  }
  if (lane > 0u) { return; }
  var surety = 0.0;
  if (ENTROPY) {
    var entropy = -sum.y;
    if (LOGITS) { entropy = log(sum.x) - sum.y / sum.x; }
    surety = 1.0 - sqrt(params.weight * max(entropy, 0.0));
  } else if (LOGITS) {
    surety = 1.0 / sum.x;
  } else {
    surety = x[id[0]];
  }
  let low = surety < threshold[0];
  let first = params.index == 0u;
  if (!first && (going[0] == 0u || (ENTROPY && low))) {
    going[0] = 0u;
    return;
  }
  count[0] = params.index + 1u;
  going[0] = select(1u, 0u, low && !ENTROPY);
}
