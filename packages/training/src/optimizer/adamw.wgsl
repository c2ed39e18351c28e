// One AdamW step (Loshchilov & Hutter 2019, arXiv 1711.05101) in place:
//   g ← gradient / scale · min(1, maxNorm / (norm / scale)),  m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,
//   w ← w − rate · (m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + decay · w)
//
// weight, gradient, mean (m), square (v): [count] of vectors of 4 elements    norm: [1], the gradients' global norm
// unscale: 1 / scale, of a scaled loss; 1 where it was not
// One invocation a vector; workgroups in a line, folded over x and y. maxNorm 0: no clipping.

struct Params {
  count: u32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  correction1: f32,
  correction2: f32,
  epsilon: f32,
  decay: f32,
  maxNorm: f32,
  unscale: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> square: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  var clip = 1.0;
  let size = norm[0] * params.unscale;
  if (params.maxNorm > 0.0 && size > params.maxNorm) { clip = params.maxNorm / size; }
  let g = gradient[i] * params.unscale * clip;
  let m = params.beta1 * mean[i] + (1.0 - params.beta1) * g;
  let v = params.beta2 * square[i] + (1.0 - params.beta2) * g * g;
  mean[i] = m;
  square[i] = v;
  let step = (m / params.correction1) / (sqrt(v / params.correction2) + params.epsilon);
  weight[i] -= params.rate * (step + params.decay * weight[i]);
}
