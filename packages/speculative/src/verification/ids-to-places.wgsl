// Drafted tokens and the target's greedy ids, as places in the list of them all: tokens, then ids, each where it first stands.
//   p[i, x] = 1 where x is the place of token i, else 0
//   q[i, x] = 1 where x is the place of id i, else 0; NaN where there is no id (0xffffffff)
//
// tokens: u32 [γ]    ids: u32 [γ + 1]    places: u32 [γ], 0xffffffff for a token that is none of the vocabulary
// p: [γ, C]    q: [γ + 1, C]    C = 2γ + 1
// One invocation an element of q; workgroups in a line.

struct Params { draftLength: u32, vocabulary: u32 }

@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> places: array<u32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;
@group(0) @binding(4) var<storage, read_write> q: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn placeOf(id: u32) -> u32 {
  for (var i = 0u; i < params.draftLength; i++) { if (tokens[i] == id) { return i; } }
  var place = 0u;
  while (ids[place] != id) { place++; }
  return params.draftLength + place;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  let i = invocation.x;
  let columns = 2u * params.draftLength + 1u;
  let row = i / columns;
  let column = i % columns;
  if (row > params.draftLength) { return; }
  let bits = select(0u, 0x3f800000u, column == placeOf(ids[row])); // of 1
  q[i] = bitcast<f32>(select(bits, 0x7fc00000u, ids[row] == 0xffffffffu));
  if (row == params.draftLength) { return; }
  let place = placeOf(tokens[row]);
  p[i] = select(0.0, 1.0, column == place);
  if (column == 0u) { places[row] = select(0xffffffffu, place, tokens[row] < params.vocabulary); }
}
