// The value of a row loss, α and its statistics, from its sums.
//
// stats: [rows, 3 + SUMS] (row-sums.wgsl)    pooled: [scopes, 1 + SUMS] (scope-sums.wgsl)    values: [2 + STATISTICS, rows]
// One invocation a row. scopeRows: rows a scope, 0 where a row is its own.

struct Params { rows: u32, scopeRows: u32 }

@group(0) @binding(0) var<storage, read> stats: array<f32>;
@group(0) @binding(1) var<storage, read> pooled: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.rows) { return; }
  let row = readRow(id.x, params.scopeRows);
  let alpha = bitcast<u32>(row.alpha);
  let none = isNone(row);
  values[id.x] = bitcast<f32>(select(bitcast<u32>(lossValue(row)), alpha, none));
  values[params.rows + id.x] = row.alpha;
  for (var k = 0u; k < STATISTICS; k++) {
    values[(2u + k) * params.rows + id.x] = bitcast<f32>(select(bitcast<u32>(lossStatistic(row, k)), alpha, none));
  }
}
