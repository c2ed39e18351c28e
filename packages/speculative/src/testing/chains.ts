/** A first-order chain over symbols: row s is the distribution of the symbol after s. */
export type Chain = number[][]

/** A chain whose probabilities are random, some of them zero: a share `zeros` of them. */
export function randomChain(random: () => number, symbols: number, zeros = 0): Chain {
  return Array.from({ length: symbols }, () => {
    const row = Array.from({ length: symbols }, (): number => (random() < zeros ? 0 : random() ** 2))
    if (!row.some((value) => value > 0)) row[0] = 1
    const sum = row.reduce((a, b) => a + b, 0)
    return row.map((value) => value / sum)
  })
}

/** All sequences of a length. */
export function sequences(symbols: number, length: number): number[][] {
  if (length === 0) return [[]]
  return sequences(symbols, length - 1).flatMap((head) => Array.from({ length: symbols }, (_, x) => [...head, x]))
}

export const probabilityOf = (chain: Chain, start: number, sequence: readonly number[]): number =>
  sequence.reduce((product, x, i) => product * chain[i === 0 ? start : sequence[i - 1]!]![x]!, 1)
