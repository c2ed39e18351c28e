// y[row] = table[ids[row]], for the ids that the table's slab has. An id past the vocabulary takes the last row.
//
// table: rows [first, first + slabRows) of [vocabulary, columns]    ids: u32 [rows]    y: [rows, columns]
// One invocation an element; workgroups in a line, folded over x and y.

struct Params { count: u32, columns: u32, vocabulary: u32, first: u32, slabRows: u32 }

@group(0) @binding(0) var<storage, read> table: array<element_table>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<element_y>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  // An id before the slab wraps around and is past it.
  let row = min(ids[i / params.columns], params.vocabulary - 1u) - params.first;
  if (row >= params.slabRows) { return; }
  y[i] = table[row * params.columns + i % params.columns];
}
