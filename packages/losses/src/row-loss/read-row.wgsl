// A row's α is NaN where its logits are no distribution (row-sums.wgsl), and so is then all that is made of the row.
fn isNone(row: Row) -> bool { return (bitcast<u32>(row.alpha) & 0x7fffffffu) > 0x7f800000u; }

// A row's sums and the means of its scope, from the buffers `stats` and `pooled`.
fn readRow(index: u32, scope_rows: u32) -> Row {
  var row: Row;
  row.alpha = stats[index * (3u + SUMS) + 2u];
  let scope = index / max(scope_rows, 1u) * (1u + SUMS);
  for (var k = 0u; k < SUMS; k++) {
    row.sums[k] = stats[index * (3u + SUMS) + 3u + k];
    if (scope_rows > 0u) {
      row.means[k] = pooled[scope + 1u + k] / max(pooled[scope], 1.0e-20);
    } else {
      row.means[k] = row.sums[k];
    }
  }
  return row;
}
