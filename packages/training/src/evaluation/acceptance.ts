/** Blocks that begin at every position where that can be, and what they would yield together. */
export interface SimulatedBlocks {
  tokens: number
  blocks: number
}

/**
 * What blocks of γ drafts would yield, from the chance of acceptance at each position: 1 + Σ_{k=1..γ} Π_{i<k} α_{t+i},
 * summed over the starting positions t from which all γ positions lie in one unmasked run. Tokens over blocks, summed over
 * all batches, is the mean; a mean of the batches' means would depend on how rows are put into batches.
 *
 * @param rates     α by position, row after row: Σ min(p, q), [rows · length]
 * @param mask      1 where a position counts
 * @param length    positions a row
 * @param gamma     γ, the draft length
 */
export function simulatedBlocks(
  rates: ArrayLike<number>,
  mask: ArrayLike<number>,
  length: number,
  gamma: number,
): SimulatedBlocks {
  let tokens = 0
  let blocks = 0
  for (let begin = 0; begin < rates.length; begin += length)
    for (let t = begin; t + gamma <= begin + length; t++) {
      let expected = 1
      let chain = 1
      let complete = true
      for (let k = 0; k < gamma; k++) {
        if (!mask[t + k]) {
          complete = false
          break
        }
        chain *= rates[t + k]!
        expected += chain
      }
      if (!complete) continue
      tokens += expected
      blocks++
    }
  return { tokens, blocks }
}

/**
 * The mean number of tokens a block of γ drafts would yield: tokens over blocks of `simulatedBlocks`, NaN where no row has
 * room for one. It assumes that the text being read is what decoding would have drafted.
 *
 * @param rates     α by position, row after row: Σ min(p, q), [rows · length]
 * @param mask      1 where a position counts
 * @param length    positions a row
 * @param gamma     γ, the draft length
 */
export function simulatedAcceptanceLength(
  rates: ArrayLike<number>,
  mask: ArrayLike<number>,
  length: number,
  gamma: number,
): number {
  const { tokens, blocks } = simulatedBlocks(rates, mask, length, gamma)
  return blocks === 0 ? Number.NaN : tokens / blocks
}
