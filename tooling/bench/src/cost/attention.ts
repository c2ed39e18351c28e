import { type AttentionPartsName, decodingLanes, selectSpan } from '@outrider/tensor/internal'
import type { Gpu, KernelCost } from './gpu'

export interface Attention {
  rows: number
  /** Keys before the first row, which sees one more. */
  start: number
  heads: number
  kvHeads: number
  headDim: number
  /** Bytes of an element of keys and values. */
  cacheBytes: number
  /** Of up to 16 rows: the parts that tuning chose. Default the usual. */
  parts?: AttentionPartsName | undefined
}

/** Queries of a key head that a workgroup takes. */
const queriesOfBlock = 4

/**
 * Causal attention by one pass over the keys: a workgroup takes four queries of a key head, and reads all keys and values that any of
 * them sees. Up to 16 rows are cut into spans of keys, whose sums are written and read again.
 */
export function attentionCost(
  { rows, start, heads, kvHeads, headDim, cacheBytes, parts }: Attention,
  gpu: Pick<Gpu, 'subgroupMinSize' | 'subgroupMaxSize'>,
): KernelCost {
  const few = rows <= 16
  const keys = start + rows
  const group = heads / kvHeads
  const queries = rows * group
  const splits = Math.ceil(keys / selectSpan(rows, { subgroups: true, ...gpu }, parts))
  let seen = 0 // by the blocks of a key head
  let blocks = 0
  for (let first = 0; first < queries; first += queriesOfBlock) {
    const last = Math.min(first + queriesOfBlock, queries) - 1
    seen += start + Math.floor(last / group) + 1
    blocks++
  }
  const ends = 8 * rows * heads * headDim // queries in, results out
  const sums = splits === 1 ? 0 : 8 * splits * rows * heads * (headDim + 1) // written and read
  const oneSize = gpu.subgroupMinSize === gpu.subgroupMaxSize
  const lanes = few ? decodingLanes : oneSize ? gpu.subgroupMinSize : 64
  const vectors = headDim / 4
  return {
    kernel: few ? `decoding${parts ? `, ${parts}` : ''}` : 'shared',
    workgroups: blocks * kvHeads * splits,
    lanes,
    // A product and its sum for an element of a key, and for one of a value.
    operations: 4 * queriesOfBlock * headDim * kvHeads * seen,
    leastOperations: 4 * headDim * heads * (rows * start + (rows * (rows + 1)) / 2),
    bytes: 2 * seen * kvHeads * headDim * cacheBytes + ends + sums,
    leastBytes: 2 * keys * kvHeads * headDim * cacheBytes + ends,
    // Factors of a tile of keys and sums of the head; of few rows halves of products and the sums of every lane.
    workgroupBytes: few ? lanes * (16 + 8 + 64 + 16) : 16 * 4 * lanes + 64 * vectors + (oneSize ? 0 : 16 * lanes),
    registers: few ? 56 : 72,
    onTheWay: (few ? 1 : 4) * 4 * cacheBytes,
  }
}
