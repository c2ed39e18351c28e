// y = 1 where a count is from `least` to `most`, else 0.
//
// count, y: u32 [1]
// One invocation.

struct Params { least: u32, most: u32 }

@group(0) @binding(0) var<storage, read> count: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() { y[0] = select(0u, 1u, count[0] >= params.least && count[0] <= params.most); }
