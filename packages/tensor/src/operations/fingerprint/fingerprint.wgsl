// sums[tensor] += (Σ mix₁(word, place), Σ mix₂(word, place)) modulo 2³²: what the bits of a tensor's memory add up to.
//
// x: [words], any type, read as 32-bit words    sums: [tensors, 2]
// A workgroup of 64 invocations a chunk of CHUNK words. Sums of integers have the same bits in every order.

struct Params { tensor: u32, words: u32, first: u32, lastMask: u32, perLine: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Params;

// The finaliser of MurmurHash3.
fn mixed(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let begin = (group.y * params.perLine + group.x) * CHUNK;
  let end = min(begin + CHUNK, params.words);
  var one = 0u;
  var two = 0u;
  for (var i = begin + lane; i < end; i += 64u) {
    let word = x[i] & select(0xffffffffu, params.lastMask, i + 1u == params.words);
    let place = mixed((params.first + i) * 0x9e3779b9u + 0x7f4a7c15u);
    let h = mixed(word ^ place);
    one += h;
    two += mixed(h + word * 0x9e3779b1u + place);
  }
  atomicAdd(&sums[2u * params.tensor], one);
  atomicAdd(&sums[2u * params.tensor + 1u], two);
}
