// The rows that see any of a block of four keys: from the first of them to the one after the last, 0 and 0 where there is none.
//
// visibility: u32 [batch, rows, 3]    seers: u32 [batch, ⌈keys / 4⌉, 2]
// One invocation a block of keys; workgroups in a line. Params: frame.ts. Prelude: sight.ts.

@group(0) @binding(0) var<storage, read> visibility: array<u32>;
@group(0) @binding(1) var<storage, read_write> seers: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  let blocks = (params.keys + 3u) / 4u;
  if (i >= params.batch * blocks) { return; }
  let keys = (i % blocks) * 4u + vec4u(0u, 1u, 2u, 3u);
  var begin = 0u;
  var end = 0u;
  for (var row = 0u; row < params.rows; row++) {
    if (any(sees(sightOfRow(i / blocks, row), keys))) {
      begin = select(begin, row, end == 0u);
      end = row + 1u;
    }
  }
  seers[2u * i] = begin;
  seers[2u * i + 1u] = end;
}
