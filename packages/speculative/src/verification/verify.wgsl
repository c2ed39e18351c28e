// Accepts a prefix of a drafted block and draws the token after it, as a rule says (define-verification.ts). Of γ drafted
// tokens the first n = count are proposed, all where none is given: the block is one of n tokens.
//
// p: [γ, V] draft    q: [γ+1, V] target    tokens: u32 [γ] drawn from p    uniforms: [γ+1] in [0, 1)
// count: u32 [1] where COUNTED, else anything
// sums: [γ+1, 4] of position-sums.wgsl     result: u32 [2 + 2γ]: accepted, next, the proposed tokens and 0xffffffff for others,
// the bits of α by position; where a row is no distribution: whose fault it is (1 the draft's, 2 the target's), 0xffffffff
//
// One workgroup. The first invocation decides how many tokens are accepted; then all descend to the next token: the
// range of ids is cut into LANES pieces, summed and searched for the piece where the running sum passes u·Σ, until a
// piece is one id: ROUNDS − 1 times, LANES^(ROUNDS − 1) ≥ V. Only pieces with a positive sum are entered, so an id of
// weight zero is never drawn.

struct Params { draftLength: u32, vocabulary: u32 }

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read> uniforms: array<f32>;
@group(0) @binding(4) var<storage, read> sums: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> result: array<u32>;
@group(0) @binding(6) var<storage, read> count: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

struct Search {
  row: u32,      // accepted tokens: the row of p and q that the next token follows
  w: f32,        // the weight of q in the residual
  bonus: u32,    // 1: draw from q itself
  begin: u32,    // the ids that are searched
  count: u32,
  rest: f32,     // the sum that is left to pass
}

var<workgroup> search: Search;
var<workgroup> pieces: array<f32, LANES>;

fn proposed_tokens() -> u32 {
  return select(params.draftLength, min(count[0], params.draftLength), COUNTED);
}

fn kept_tokens(proposed: u32) -> u32 {
  var kept = 0u;
  for (var i = 1u; i <= proposed; i++) {
    let at = (i - 1u) * params.vocabulary + tokens[i - 1u];
    if (rulePasses(uniforms[i - 1u], p[at], q[at], sums[i].z, sums[i].y, i == proposed)) { kept = i; }
    else if (!KEEPS_LONGEST) { break; }
  }
  return kept;
}

fn weight(state: Search, id: u32) -> f32 {
  let at = state.row * params.vocabulary + id;
  if (state.bonus == 1u) { return q[at]; }
  return ruleResidual(p[at], q[at], state.w);
}

fn find_mass() {
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += pieces[i]; }
  // A residual that rounding left empty: p and q are equal but for the last bits, so q itself serves. Its sum is 1.
  if (!(total > 0.0)) {
    search.bonus = 1u;
    total = 1.0;
  }
  search.rest = uniforms[params.draftLength] * total;
}

// Enters the piece in which the running sum passes `rest`; the last that is not empty if rounding lets none.
fn enter_piece(size: u32) {
  var chosen = 0u;
  var inside = false;
  for (var i = 0u; i < LANES; i++) {
    let piece = pieces[i];
    if (piece > 0.0) {
      chosen = i;
      if (search.rest < piece) { inside = true; break; }
      search.rest -= piece;
    }
  }
  if (!inside) { search.rest = 3.0e38; }
  search.begin += chosen * size;
  search.count = min(size, search.count - chosen * size);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  let proposed = proposed_tokens();
  if (lane == 0u) {
    let accepted = kept_tokens(proposed);
    let all = accepted == proposed;
    search = Search(accepted, sums[accepted].z, select(0u, 1u, all), 0u, params.vocabulary, 0.0);
  }
  // The first round only finds the mass.
  for (var round = 0u; round < ROUNDS; round++) {
    workgroupBarrier();
    let state = search;
    let size = (state.count + LANES - 1u) / LANES;
    let end = min((lane + 1u) * size, state.count);
    var sum = 0.0;
    for (var i = lane * size; i < end; i++) { sum += weight(state, state.begin + i); }
    pieces[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
      if (round == 0u) { find_mass(); } else { enter_piece(size); }
    }
  }
  if (lane == 0u) {
    result[0] = search.row;
    result[1] = search.begin;
    // No token is drawn where a row is no distribution; the first fault says whose.
    for (var i = proposed + 1u; i > 0u; i--) {
      let fault = u32(sums[i - 1u].w);
      if (fault > 0u) {
        result[0] = fault;
        result[1] = 0xffffffffu;
      }
    }
  }
  for (var i = lane; i < params.draftLength; i += LANES) {
    result[2u + i] = select(0xffffffffu, tokens[i], i < proposed);
    result[2u + params.draftLength + i] = bitcast<u32>(sums[i].x);
  }
}
