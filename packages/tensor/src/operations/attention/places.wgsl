// Where the vectors of attention are, in vec4f. The query heads that share a key head are counted together: query i of a key
// head is row ⌊i / shared⌋, head i mod shared. A workgroup has one block of queries, or keys, of one key head: four, or of queries
// several times four.
//
// q, out, dout, dq: [batch, rows, heads, headDim]    k, v, dk, dv: [batch, keys, kvHeads, headDim]
// logSumExp, rowSums: [batch, heads, rows]
// Where few queries pass over many keys, the keys are cut into splits of `span`, each a workgroup's: out and logSumExp are
// then [splits, …], of the keys of each split alone (combine.wgsl).
// VECTORS: headDim / 4.

struct Block { first: u32, kvHead: u32, batch: u32, split: u32 }

/** The index-th block of `size` where every key head has `count` queries, or keys. Its split is out of range after the last. */
fn blockAt(index: u32, count: u32, size: u32) -> Block {
  let blocks = (count + size - 1u) / size;
  let sequence = index / (blocks * params.kvHeads);
  return Block((index % blocks) * size, (index / blocks) % params.kvHeads, sequence % params.batch, sequence / params.batch);
}

/** The four queries, or keys, of a block, where there are `count`: what does not exist repeats the last. */
fn membersOf(block: Block, count: u32) -> vec4u { return min(block.first + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u)); }

fn queryCount() -> u32 { return params.rows * (params.heads / params.kvHeads); }
fn rowOf(query: u32) -> u32 { return query / (params.heads / params.kvHeads); }
fn headOf(block: Block, query: u32) -> u32 {
  let shared_by = params.heads / params.kvHeads;
  return block.kvHead * shared_by + query % shared_by;
}
fn queryAt(block: Block, query: u32) -> u32 {
  return ((block.batch * params.rows + rowOf(query)) * params.heads + headOf(block, query)) * VECTORS;
}
/** The same of four. */
fn rowsOf(queries: vec4u) -> vec4u { return vec4u(rowOf(queries.x), rowOf(queries.y), rowOf(queries.z), rowOf(queries.w)); }
fn queriesAt(block: Block, queries: vec4u) -> vec4u {
  return vec4u(queryAt(block, queries.x), queryAt(block, queries.y), queryAt(block, queries.z), queryAt(block, queries.w));
}
fn sumsAt(block: Block, query: u32) -> u32 {
  return (block.batch * params.heads + headOf(block, query)) * params.rows + rowOf(query);
}
/** Where a block's split writes what queries at `at` of q get, and their logSumExp. */
fn outOfSplit(at: vec4u, block: Block) -> vec4u {
  return at + block.split * (params.batch * params.rows * params.heads * VECTORS);
}
fn logSumExpOfSplit(block: Block, query: u32) -> u32 {
  return sumsAt(block, query) + block.split * (params.batch * params.heads * params.rows);
}
fn keyAt(block: Block, key: u32) -> u32 {
  return ((block.batch * params.keys + key) * params.kvHeads + block.kvHead) * VECTORS;
}
fn keysAt(block: Block, keys: vec4u) -> vec4u {
  return vec4u(keyAt(block, keys.x), keyAt(block, keys.y), keyAt(block, keys.z), keyAt(block, keys.w));
}
