// Rotates queries and keys, and writes keys and values to where their positions are in a cache.
//
// q: [batch, rows, heads, headDim]    k, v: [batch, rows, kvHeads, headDim]    frequencies: one by pair that is turned
// rotated: as q    keys, values: [batch, capacity, kvHeads, headDim]; rows past the capacity are left out
// One invocation a pair of elements of a query, or of a key and its value; workgroups in a line, folded over x and y. With
// turning.ts.

struct Params { count: u32, rows: u32, heads: u32, kvHeads: u32, pairs: u32, capacity: u32, start: u32 }

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> frequencies: array<Frequency>;
@group(0) @binding(4) var<storage, read_write> rotated: array<f32>;
@group(0) @binding(5) var<storage, read_write> keys: array<f32>;
@group(0) @binding(6) var<storage, read_write> values: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let pair = i % params.pairs;
  let head = (i / params.pairs) % (params.heads + params.kvHeads);
  let row = i / params.pairs / (params.heads + params.kvHeads);
  let batch = row / params.rows;
  let position = startOf(batch) + row % params.rows;
  let place = placeOf(pair);
  let turn = turnOf(pair, position);
  if (head < params.heads) {
    let at = (row * params.heads + head) * 2u * params.pairs + place.x;
    let y = turned(vec2f(q[at], q[at + place.y]), turn, pair);
    rotated[at] = y.x;
    rotated[at + place.y] = y.y;
    return;
  }
  if (position >= params.capacity) { return; }
  let kvHead = head - params.heads;
  let at = (row * params.kvHeads + kvHead) * 2u * params.pairs + place.x;
  let to = ((batch * params.capacity + position) * params.kvHeads + kvHead) * 2u * params.pairs + place.x;
  let y = turned(vec2f(k[at], k[at + place.y]), turn, pair);
  keys[to] = y.x;
  keys[to + place.y] = y.y;
  values[to] = v[at];
  values[to + place.y] = v[at + place.y];
}
