// What rope-into-cache.wgsl computes, into a cache of q8_0 (attention/blocked-cache.ts): an invocation turns the 32 keys of a
// block, finds the largest, and writes all as bytes, and what makes them numbers again.
//
// q: [batch, rows, heads, headDim]    k, v: [batch, rows, kvHeads, headDim]    frequencies: one by pair that is turned
// rotated: as q    keys, values: [batch, capacity, kvHeads, headDim / 32] blocks of 9 words; rows past the capacity are left out
// One invocation a block of keys, then one a block of values, `blocks` each, then one a pair of a query; workgroups in a line,
// folded over x and y. headDim is a multiple of 32. With turning.ts.

struct Params { count: u32, blocks: u32, rows: u32, heads: u32, kvHeads: u32, pairs: u32, capacity: u32, start: u32 }

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> frequencies: array<Frequency>;
@group(0) @binding(4) var<storage, read_write> rotated: array<f32>;
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;
@group(0) @binding(6) var<storage, read_write> values: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  if (i >= 2u * params.blocks) {
    turnQuery(i - 2u * params.blocks);
    return;
  }
  let isValue = i >= params.blocks;
  let block = select(i, i - params.blocks, isValue);
  let blocksOfHead = params.pairs / 16u;
  let head = block / blocksOfHead; // of all rows
  let row = head / params.kvHeads;
  let batch = row / params.rows;
  let position = startOf(batch) + row % params.rows;
  if (position >= params.capacity) { return; }
  let part = block % blocksOfHead;
  var x: array<vec4f, 8>;
  var largest = vec4f();
  for (var j = 0u; j < 8u; j++) {
    if (isValue) { x[j] = v[8u * block + j]; } else { x[j] = turnedKeys(head, 32u * part + 4u * j, position); }
    largest = max(largest, abs(x[j]));
  }
  let most = min(max(max(largest.x, largest.y), max(largest.z, largest.w)), 3.0e38);
  let inverse = select(0.0, 127.0 / most, most > 1.0e-35);
  let to = (((batch * params.capacity + position) * params.kvHeads + head % params.kvHeads) * blocksOfHead + part) * 9u;
  for (var j = 0u; j < 8u; j++) { put(isValue, to + j, bytesOf(x[j] * inverse)); }
  put(isValue, to + 8u, bitcast<u32>(most / 127.0));
}

fn put(isValue: bool, at: u32, word: u32) {
  if (isValue) { values[at] = word; } else { keys[at] = word; }
}

/** Numbers of −127 to 127, to the nearest whole ones. */
fn bytesOf(x: vec4f) -> u32 {
  let bytes = (bitcast<vec4u>(vec4i(clamp(round(x), vec4f(-127.0), vec4f(127.0)))) & vec4u(0xffu)) << vec4u(0u, 8u, 16u, 24u);
  return (bytes.x | bytes.y) | (bytes.z | bytes.w);
}

/** Elements e … e + 3 of a head of the keys. */
fn turnedKeys(head: u32, e: u32, position: u32) -> vec4f {
  return vec4f(
    turnedKey(head, e, position), turnedKey(head, e + 1u, position), turnedKey(head, e + 2u, position),
    turnedKey(head, e + 3u, position),
  );
}
fn turnedKey(head: u32, e: u32, position: u32) -> f32 {
  let whose = pairOf(e);
  let place = placeOf(whose.x);
  let at = head * 2u * params.pairs + place.x;
  let y = turned(vec2f(k[at], k[at + place.y]), turnOf(whose.x, position), whose.x);
  return select(y.x, y.y, whose.y == 1u);
}

fn turnQuery(i: u32) {
  let pair = i % params.pairs;
  let head = i / params.pairs; // of all rows
  let row = head / params.heads;
  let place = placeOf(pair);
  let at = head * 2u * params.pairs + place.x;
  let position = startOf(row / params.rows) + row % params.rows;
  let y = turned(vec2f(q[at], q[at + place.y]), turnOf(pair, position), pair);
  rotated[at] = y.x;
  rotated[at + place.y] = y.y;
}
