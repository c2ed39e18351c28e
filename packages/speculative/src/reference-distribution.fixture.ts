import { isAllowed, type SamplingOptions } from '@outrider/transformer'

/**
 * Logits after a text, as they are drawn from, in float64: what is not allowed masked, then the bias, then the penalties for what
 * prompt and answer have.
 */
export function referenceLogits(
  logits: readonly number[],
  { logitBias = {}, presencePenalty = 0, frequencyPenalty = 0, repetitionPenalty = 1 }: SamplingOptions,
  {
    prompt,
    said,
    allowed = null,
  }: { prompt: readonly number[]; said: readonly number[]; allowed?: Uint32Array | null },
): number[] {
  return logits.map((x, id) => {
    if (!isAllowed(allowed, id)) return Number.NEGATIVE_INFINITY
    const times = said.filter((token) => token === id).length
    const biased = x + (logitBias[id] ?? 0)
    const scale = biased > 0 ? 1 / repetitionPenalty : repetitionPenalty
    const z = times > 0 || prompt.includes(id) ? biased * scale : biased
    return z - frequencyPenalty * times - (times > 0 ? presencePenalty : 0)
  })
}

/** The probabilities of logits in float64: temperature, then min-p, top-k and top-p, as in vLLM. */
export function referenceDistribution(
  logits: ArrayLike<number>,
  { temperature = 0, minP = 0, topK = 0, topP = 1 }: SamplingOptions,
): number[] {
  const order = Array.from({ length: logits.length }, (_, i) => i).sort((a, b) => logits[b]! - logits[a]! || a - b)
  if (temperature === 0) return order.map((_, i) => (i === order[0] ? 1 : 0))
  const top = logits[order[0]!]!
  const likely = order.filter((id) => Math.exp((logits[id]! - top) / temperature) >= minP)
  const kept = topK > 0 ? likely.slice(0, topK) : likely
  const weights = kept.map((id) => Math.exp((logits[id]! - top) / temperature))
  const total = weights.reduce((a, b) => a + b, 0)
  const probabilities = new Array<number>(logits.length).fill(0)
  let before = 0
  for (const [i, id] of kept.entries()) {
    // The token that passes top-p is kept; those after it are not.
    if (before < topP) probabilities[id] = weights[i]! / total
    before += weights[i]! / total
  }
  const sum = probabilities.reduce((a, b) => a + b, 0)
  return probabilities.map((p) => p / sum)
}

/** The law of three symbols behind symbol 0, by `join()`, where row i of a table is what symbol i says of the next. */
export function lawOfThree(table: readonly number[][], sampling: SamplingOptions): Map<string, number> {
  const rows = table.map((logits) => referenceDistribution(logits, sampling))
  const law = new Map<string, number>()
  for (const x of rows.keys())
    for (const y of rows.keys())
      for (const z of rows.keys()) law.set([x, y, z].join(), rows[0]![x]! * rows[x]![y]! * rows[y]![z]!)
  return law
}

/**
 * Pearson's χ² of observed counts against probabilities, rare outcomes together in cells of 5 expected, as the standard score that
 * it has under the hypothesis (Wilson and Hilferty's cube root). Outcomes of probability zero give infinity.
 */
export function chiSquareScore(
  observed: ReadonlyMap<string, number>,
  probabilities: ReadonlyMap<string, number>,
): number {
  const samples = [...observed.values()].reduce((a, b) => a + b, 0)
  for (const key of observed.keys()) if (!probabilities.get(key)) return Number.POSITIVE_INFINITY
  let statistic = 0
  let cells = 0
  const cell = { expected: 0, count: 0 }
  const close = () => {
    statistic += (cell.count - cell.expected) ** 2 / cell.expected
    cells++
    cell.expected = cell.count = 0
  }
  for (const [key, probability] of [...probabilities].sort((a, b) => b[1] - a[1])) {
    cell.expected += probability * samples
    cell.count += observed.get(key) ?? 0
    if (cell.expected >= 5) close()
  }
  if (cell.expected >= 1) close()
  const freedom = cells - 1
  if (freedom < 4) throw new Error(`only ${cells} cells: too few outcomes or samples for a test`)
  const spread = 2 / (9 * freedom)
  return ((statistic / freedom) ** (1 / 3) - (1 - spread)) / Math.sqrt(spread)
}
