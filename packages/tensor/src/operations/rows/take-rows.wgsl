// Rows by their numbers: y[i] = x[rows[i]] (SCATTER false), or back to where they were: x[rows[i]] = y[i], the others being left.
//
// x: [count of all, words]    rows: u32 [n], each once where they are put back    y: [n, words]    Elements are words of 32 bits.
// One invocation a word of y; workgroups in a line, folded over x and y. A number past the rows takes zeros, and puts nothing.

struct Params { count: u32, words: u32, all: u32 }

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = rows[i / params.words];
  let at = row * params.words + i % params.words;
  if (SCATTER) {
    if (row < params.all) { result[at] = source[i]; }
  } else if (row < params.all) {
    result[i] = source[at];
  } else {
    result[i] = 0u;
  }
}
