import { type DataSource, type DatasetRow, useRow } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import type { ChatMessage } from '@outrider/transformer'

/** An instruction, as it is kept: a conversation that waits for an answer. */
export interface SeedRow {
  messages: ChatMessage[]
  category?: string
}

/**
 * The instructions of a source, each once, in their order: conversations up to their last answer, and texts.
 *
 * @throws OutriderError what reading throws; INVALID_ARGUMENT for a row that asks nothing
 */
export async function readSeeds(source: DataSource): Promise<SeedRow[]> {
  const found = new Map<string, SeedRow>()
  for await (const row of source) {
    const seed = useRow(source, row, () => seedOf(row))
    if (seed) found.set(seedKey(seed), seed)
  }
  return [...found.values()]
}

/** The same for instructions that ask the same. */
export const seedKey = ({ messages }: SeedRow): string =>
  JSON.stringify(messages.map(({ role, content }) => [role, content]))

export const seedLines = (seeds: readonly SeedRow[]): string =>
  seeds.map((seed) => `${JSON.stringify(seed)}\n`).join('')

function seedOf(row: DatasetRow): SeedRow {
  if (row.kind === 'text') return { messages: [{ role: 'user', content: row.text }] }
  const messages =
    row.kind === 'conversation'
      ? row.messages.slice(0, row.messages.findLastIndex(({ role }) => role !== 'assistant') + 1)
      : []
  if (messages.length === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'It asks nothing: it has no message but answers, or only tokens.', {
      remedy: 'Give rows with messages, a prompt, an instruction or turns.',
    })
  const { category, task } = row.kind === 'conversation' ? row.metadata : {}
  const name = category ?? task
  return { messages, ...(typeof name === 'string' && name !== '' && { category: name }) }
}
