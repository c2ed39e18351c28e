import { rows } from '../sources/rows'

const question = (content: string, id: number) => ({
  kind: 'conversation' as const,
  messages: [{ role: 'user', content }],
  metadata: { category: 'open', question: id },
})

/** Ten questions over a grid of three temperatures, answers a few tokens long: 30 rows in 8 batches. */
export const gridOptions = {
  seeds: rows(Array.from({ length: 10 }, (_, i) => question(`${'a'.repeat(i)}?`, i))),
  temperatures: [0, 0.5, 1],
  maxTokens: 6,
  batchSize: 4,
}
