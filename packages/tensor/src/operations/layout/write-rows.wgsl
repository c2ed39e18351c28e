// cache[batch, start + row] = x[batch, row]; rows past the cache's capacity are left out.
//
// cache: [batches, capacity, columns]    x: [batches, rows, columns]
// One invocation an element of x; workgroups in a line, folded over x and y.

struct Params { count: u32, rows: u32, columns: u32, capacity: u32, start: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = i / params.columns;
  let batch = row / params.rows;
  let position = startOf(batch) + row % params.rows;
  if (position >= params.capacity) { return; }
  cache[(batch * params.capacity + position) * params.columns + i % params.columns] = x[i];
}
