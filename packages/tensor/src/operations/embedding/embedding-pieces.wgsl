// y[row] = table[ids[row]] as in embedding-rows.wgsl, from a table in a format of weights; params count eights of elements.
//
// ids: u32 [rows]    y: [rows, columns], two vectors an eight
// One invocation an eight; workgroups in a line, folded over x and y.

struct Params { count: u32, columns: u32, vocabulary: u32, first: u32, slabRows: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = min(ids[i / params.columns], params.vocabulary - 1u) - params.first;
  if (row >= params.slabRows) { return; }
  let piece = load_table(row * params.columns + i % params.columns);
  y[2u * i] = piece.low;
  y[2u * i + 1u] = piece.high;
}
