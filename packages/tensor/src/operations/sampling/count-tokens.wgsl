// counts[token] += 1 for each token.
//
// tokens: u32 [tokenCount]    counts: u32 [vocabulary]
// One invocation: tokens are few, and may be equal.

struct Params { tokenCount: u32, vocabulary: u32 }

@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  for (var i = 0u; i < params.tokenCount; i++) {
    let token = tokens[i];
    if (token < params.vocabulary) { counts[token] += 1u; }
  }
}
