// y[i, j, k, l] = x at strides that may be 0: a tensor stretched, or with its axes in another order.
//
// x: any strides    y: [n0, n1, n2, n3] row-major
// One invocation an element; workgroups in a line, folded over x and y.

struct Params { count: u32, n1: u32, n2: u32, n3: u32, s0: u32, s1: u32, s2: u32, s3: u32 }

@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read_write> y: array<element_y>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let l = i % params.n3;
  let k = (i / params.n3) % params.n2;
  let j = (i / (params.n3 * params.n2)) % params.n1;
  let h = i / (params.n3 * params.n2 * params.n1);
  y[i] = x[h * params.s0 + j * params.s1 + k * params.s2 + l * params.s3];
}
