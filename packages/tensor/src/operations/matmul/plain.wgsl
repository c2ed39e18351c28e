// c = op(a) · op(b), each element its own sum over k in order: the reference kernel, for any shape and any form.
//
// a, b: read at strides (transposition is a matter of strides)    c: [m, n]
// One invocation an element; x: columns, y: rows. Prelude: A, B, C, narrow (element-types.ts).

struct Params { m: u32, n: u32, k: u32, aRow: u32, aColumn: u32, bRow: u32, bColumn: u32 }

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> c: array<C>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(32, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.n || id.y >= params.m) { return; }
  var total = 0.0;
  for (var k = 0u; k < params.k; k++) {
    total = fma(f32(a[id.y * params.aRow + k * params.aColumn]), f32(b[k * params.bRow + id.x * params.bColumn]), total);
  }
  c[id.y * params.n + id.x] = narrow(total);
}
