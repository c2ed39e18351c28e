// dtable[ids[row]] = Σ dy over the rows with that id, added in one order without atomics: the last row of each id walks the
// chain of rows before it. dtable is zero where no row points.
//
// ids, previous, last: u32 [rows]    dy: [rows, columns]    dtable: [vocabulary, columns]
// One invocation an element of dy; workgroups in a line, folded over x and y.

struct Params { count: u32, columns: u32, vocabulary: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> previous: array<u32>;
@group(0) @binding(2) var<storage, read> last: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<element_dy>;
@group(0) @binding(4) var<storage, read_write> dtable: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = i / params.columns;
  let column = i % params.columns;
  if (last[row] == 0u) { return; }
  var total = load_dy(i);
  var before = previous[row];
  while (before > 0u) {
    total += load_dy((before - 1u) * params.columns + column);
    before = previous[before - 1u];
  }
  dtable[min(ids[row], params.vocabulary - 1u) * params.columns + column] = total;
}
