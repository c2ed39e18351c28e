import type { DrawnDraft } from './drafter'

/** The rows of p that a draft's tokens were drawn from, read: as it says, or certain of each token. */
export async function rowsOfP({ tokens, probabilities }: DrawnDraft, columns: number): Promise<number[][]> {
  if (probabilities) return (await probabilities.toArray()) as number[][]
  return Array.from(await tokens.data(), (token) => Array.from({ length: columns }, (_, id) => (id === token ? 1 : 0)))
}
