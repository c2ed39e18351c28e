import { flashQueries, flashShape } from '@outrider/tensor/internal'
import type { Attention } from './attention'
import type { KernelCost } from './gpu'

/** What a pass of `flash` computes for a query and a key, in products of their head; its tiles; and what it is called. */
const passes = {
  /** Scores, and what they weigh. */
  forward: { kernel: 'flash', products: 2, loadsOfTile: 2 },
  /** Scores, what dout says of values, and dq. */
  queryGradient: { kernel: 'flash, dq', products: 3, loadsOfTile: 2 },
  /** The same, dk and dv; queries are loaded twice. */
  keyGradient: { kernel: 'flash, dk and dv', products: 4, loadsOfTile: 3 },
} as const

/**
 * Causal attention of many rows by tiles in workgroup memory: a workgroup has 64 queries of a key head, and loads the keys that any
 * of them sees, and their values; or 64 keys, and the queries that see any of them, for their gradient. Gradients are of f32.
 */
export function flashCost(
  { rows, start, heads, kvHeads, headDim, cacheBytes }: Attention,
  pass: keyof typeof passes = 'forward',
): KernelCost {
  const { kernel, products, loadsOfTile } = passes[pass]
  const half = pass === 'forward' && cacheBytes === 2
  const held = pass === 'forward' ? cacheBytes : 4
  const { across, keys: places } = flashShape({ headDim, half }, { maxWorkgroupBytes })!
  const group = heads / kvHeads
  const [queries, keys] = [rows * group, start + rows]
  const byKeys = pass === 'keyGradient'
  let tiles = 0 // of the workgroups of a key head
  let workgroups = 0
  for (let first = 0; first < (byKeys ? keys : queries); first += flashQueries) {
    const last = Math.min(first + flashQueries, queries) - 1
    const begin = byKeys ? Math.floor((Math.max(first - start, 0) * group) / places) : 0
    const end = byKeys ? Math.ceil(queries / places) : Math.ceil((start + Math.floor(last / group) + 1) / places)
    tiles += end - begin
    workgroups++
  }
  const pairs = heads * (rows * start + (rows * (rows + 1)) / 2)
  const ends = (byKeys ? 8 * keys * kvHeads : 4 * rows * heads) * headDim + 4 * rows * heads * headDim
  const tileBytes = places * headDim * (byKeys ? 4 : held)
  const [vectors, lanes] = [headDim / 4, 16 * across]
  const [scored, owned] = [places / across, Math.ceil(vectors / across)]
  return {
    kernel,
    workgroups: workgroups * kvHeads,
    lanes,
    operations: 2 * products * flashQueries * places * headDim * tiles * kvHeads,
    leastOperations: 2 * products * headDim * pairs,
    // The tiles, and the workgroup's own vectors for each of their products.
    bytes: tiles * kvHeads * (loadsOfTile * tileBytes + (products / 2) * flashQueries * headDim * 4) + ends,
    leastBytes: 2 * keys * kvHeads * headDim * held + ends,
    workgroupBytes: places * (vectors * (half ? 8 : 16) + 4 * flashQueries),
    registers: 16 * owned * (byKeys ? 2 : 1) + 8 * scored + 32,
    onTheWay: 4 * held,
  }
}

/** Of a workgroup, as adapters of the GPUs here have it. */
const maxWorkgroupBytes = 32_768
