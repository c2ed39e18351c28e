// dlogits[row, i] = dloss[row] · (softmax(logits)[i] − 1{i = label}); 0 in rows to ignore.
//
// logits, dlogits: [rows, columns]    labels: u32 [rows]    shift, dloss: [rows]
// One invocation an element; workgroups in a line, folded over x and y.

struct Params { count: u32, columns: u32, ignore: u32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> shift: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = i / params.columns;
  let label = labels[row];
  let ignored = label == params.ignore || label >= params.columns;
  let probability = exp(logits[i] - shift[row]);
  dlogits[i] = select(dloss[row] * (probability - select(0.0, 1.0, i % params.columns == label)), 0.0, ignored);
}
