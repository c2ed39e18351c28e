// Logits as tokens are to be drawn from them: y = mask(penalties(x + bias)), a row r after the first `first + r` drafted tokens.
//
//   z = x + bias[id]
//   z = z > 0 ? z / repetition : z · repetition     where id is in the prompt or was said
//   y = z − frequency · count − presence · [count > 0],  count: how often id was said
//   y = −3e38                                       where the row's mask does not allow id
//
// x, y: [rows, columns]    ids: u32 [columns], read where `covered`; else the column is the id
// bias: [vocabulary]    counts: u32 [vocabulary], how often each id was said; the highest bit: it is in the prompt
// drafted: u32 [first + rows − 1 or more]    mask: u32 [rows, words], a bit an id; words 0: all are allowed
// One invocation an element; workgroups in a line, folded over x and y. NaN and ±∞ stay what they are.

struct Params {
  count: u32, columns: u32, vocabulary: u32, words: u32, first: u32, hasDrafted: u32, covered: u32, biased: u32, counted: u32,
  repetition: f32, frequency: f32, presence: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> drafted: array<u32>;
@group(0) @binding(5) var<storage, read> mask: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

const MASKED = -3.0e38; // finite: a row whose tokens are all masked is a distribution still, and nothing of it is accepted
const IN_PROMPT = 0x80000000u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = i / params.columns;
  var id = i % params.columns;
  if (params.covered != 0u) { id = ids[id]; }
  let bits = bitcast<u32>(x[i]);
  if ((bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u) {
    y[i] = x[i];
    return;
  }
  if (params.words > 0u) {
    let word = id >> 5u;
    let allowed = word < params.words && ((mask[row * params.words + min(word, params.words - 1u)] >> (id & 31u)) & 1u) == 1u;
    if (!allowed) {
      y[i] = MASKED;
      return;
    }
  }
  var z = x[i];
  let known = id < params.vocabulary;
  if (params.biased != 0u && known) { z += bias[id]; }
  if (params.counted != 0u) {
    var count = 0u;
    if (known) { count = counts[id]; }
    var times = count & ~IN_PROMPT;
    if (params.hasDrafted != 0u) {
      for (var j = 0u; j < params.first + row; j++) { times += select(0u, 1u, drafted[j] == id); }
    }
    if (times > 0u || (count & IN_PROMPT) != 0u) { z = select(z * params.repetition, z / params.repetition, z > 0.0); }
    z -= params.frequency * f32(times) + select(0.0, params.presence, times > 0u);
  }
  y[i] = z;
}
