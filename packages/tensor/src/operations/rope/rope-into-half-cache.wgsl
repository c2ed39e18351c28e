// What rope-into-cache.wgsl computes, into a cache of f16: to nearest, and what f16 cannot hold becomes ±65504. It needs no
// shader-f16: an invocation has two neighbouring pairs, and writes whole words of two halves.
//
// q: [batch, rows, heads, headDim]    k, v: [batch, rows, kvHeads, headDim]    frequencies: one by pair that is turned
// rotated: as q    keys, values: [batch, capacity, kvHeads, headDim / 2] words; rows past the capacity are left out
// One invocation two pairs of a query, or of a key and its value; workgroups in a line, folded over x and y. Pairs, and those
// that are turned, are even in number. With turning.ts.

struct Params { count: u32, rows: u32, heads: u32, kvHeads: u32, pairs: u32, capacity: u32, start: u32 }

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> frequencies: array<Frequency>;
@group(0) @binding(4) var<storage, read_write> rotated: array<f32>;
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;
@group(0) @binding(6) var<storage, read_write> values: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let half = params.pairs / 2u;
  let pair = (i % half) * 2u;
  let head = (i / half) % (params.heads + params.kvHeads);
  let row = i / half / (params.heads + params.kvHeads);
  let batch = row / params.rows;
  let position = startOf(batch) + row % params.rows;
  let place = placeOf(pair);
  if (head < params.heads) {
    let at = (row * params.heads + head) * 2u * params.pairs + place.x;
    let first = turned(vec2f(q[at], q[at + place.y]), turnOf(pair, position), pair);
    let second = turned(vec2f(q[at + 1u], q[at + place.y + 1u]), turnOf(pair + 1u, position), pair + 1u);
    rotated[at] = first.x;
    rotated[at + place.y] = first.y;
    rotated[at + 1u] = second.x;
    rotated[at + place.y + 1u] = second.y;
    return;
  }
  if (position >= params.capacity) { return; }
  let kvHead = head - params.heads;
  let at = (row * params.kvHeads + kvHead) * 2u * params.pairs + place.x;
  let to = (((batch * params.capacity + position) * params.kvHeads + kvHead) * 2u * params.pairs + place.x) / 2u;
  let first = turned(vec2f(k[at], k[at + place.y]), turnOf(pair, position), pair);
  let second = turned(vec2f(k[at + 1u], k[at + place.y + 1u]), turnOf(pair + 1u, position), pair + 1u);
  let step = place.y / 2u;
  keys[to] = halves(vec2f(first.x, second.x));
  keys[to + step] = halves(vec2f(first.y, second.y));
  values[to] = halves(vec2f(v[at], v[at + 1u]));
  values[to + step] = halves(vec2f(v[at + place.y], v[at + place.y + 1u]));
}

/** pack2x16float of what f16 cannot hold would be indeterminate. */
fn halves(x: vec2f) -> u32 { return pack2x16float(clamp(x, vec2f(-65504.0), vec2f(65504.0))); }
