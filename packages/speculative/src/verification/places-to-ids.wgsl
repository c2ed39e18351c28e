// A verdict on places (ids-to-places.wgsl) as one on ids: the words of `verify.wgsl`.
//
// tokens: u32 [γ]    ids: u32 [γ + 1]    verdict, result: u32 [2 + 2γ]
// One invocation a word; workgroups in a line.

struct Params { draftLength: u32 }

@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> verdict: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  let i = invocation.x;
  let gamma = params.draftLength;
  if (i >= 2u + 2u * gamma) { return; }
  var word = verdict[i];
  // The next token and the proposed ones are places; 0xffffffff stays.
  if (i >= 1u && i < 2u + gamma && word <= 2u * gamma) {
    if (word < gamma) { word = tokens[word]; } else { word = ids[word - gamma]; }
  }
  result[i] = word;
}
