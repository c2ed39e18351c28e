// Rotary position embedding (Su et al. 2021, arXiv 2104.09864), in Hugging Face's layout: element i < headDim/2 turns with
// element i + headDim/2 by the angle position · 2π · frequencies[i]. y = (a·cos − b·sin, b·cos + a·sin). Of fewer frequencies
// than pairs (turning.ts), the first elements alone, twice as many as these, are a head to be turned.
//
// x, y: [batch, rows, heads, headDim]    frequencies: one by pair that is turned
// One invocation a pair of a row, in all heads, which turn by one angle; workgroups in a line, folded over x and y. direction: 1,
// or −1 for the gradient.

struct Params { count: u32, rows: u32, heads: u32, pairs: u32, start: u32, direction: f32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read> frequencies: array<Frequency>;
@group(0) @binding(2) var<storage, read_write> y: array<element_y>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let pair = i % params.pairs;
  let row = i / params.pairs;
  let position = startOf(row / params.rows) + row % params.rows;
  let place = placeOf(pair);
  let turn = turnOf(pair, position) * vec2f(1.0, params.direction);
  for (var head = 0u; head < params.heads; head++) {
    let at = (row * params.heads + head) * params.pairs * 2u + place.x;
    let y = turned(vec2f(load_x(at), load_x(at + place.y)), turn, pair);
    store_y(at, y.x);
    store_y(at + place.y, y.y);
  }
}
