// c = op(a) · op(b), each element its own sum over k in order: the reference kernel, for any shape and any form.
//
// a, b: read at strides (transposition is a matter of strides)    c: [m, n]
// One invocation an element; x: columns, y: rows.

struct Params { m: u32, n: u32, k: u32, aRow: u32, aColumn: u32, bRow: u32, bColumn: u32 }

@group(0) @binding(0) var<storage, read> a: array<element_a>;
@group(0) @binding(1) var<storage, read> b: array<element_b>;
@group(0) @binding(2) var<storage, read_write> c: array<element_c>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(32, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.n || id.y >= params.m) { return; }
  var total = 0.0;
  for (var k = 0u; k < params.k; k++) {
    total = fma(load_a(id.y * params.aRow + k * params.aColumn), load_b(k * params.bRow + id.x * params.bColumn), total);
  }
  store_c(id.y * params.n + id.x, total);
}
