import type { Example } from '../tokenize/example'

/** Rows of equal length, row after row; shorter ones are padded on the right. */
export interface Batch {
  /** What the model reads: [batchSize · length]. */
  tokens: Uint32Array
  /** The token that follows each: [batchSize · length]. */
  labels: Uint32Array
  /** 1 where the label is to be learned: [batchSize · length]. */
  lossMask: Float32Array
  batchSize: number
  length: number
}

/** Lengths are rounded up to this, so that few shapes occur. */
const lengthStep = 8

/** Puts examples side by side. Padding is token 0 and counts nowhere. */
export function toBatch(examples: readonly Example[]): Batch {
  const longest = Math.max(...examples.map(({ tokens }) => tokens.length - 1))
  const length = Math.ceil(longest / lengthStep) * lengthStep
  const batchSize = examples.length
  const batch: Batch = {
    tokens: new Uint32Array(batchSize * length),
    labels: new Uint32Array(batchSize * length),
    lossMask: new Float32Array(batchSize * length),
    batchSize,
    length,
  }
  for (const [row, { tokens, lossMask }] of examples.entries()) {
    batch.tokens.set(tokens.slice(0, -1), row * length)
    batch.labels.set(tokens.slice(1), row * length)
    batch.lossMask.set(lossMask.slice(1), row * length)
  }
  return batch
}
