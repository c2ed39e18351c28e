import { OutriderError } from '@outrider/tensor'
import type { ConversationRow, DataSource, TokensRow } from '../formats/row'
import { useRow } from '../formats/use-row'
import { type Example, type Speaker, tokenizeConversation } from './example'
import { TextWindows } from './windows'

/**
 * All rows of a source as examples of at most `length` positions: conversations one each (cut where they are longer), texts
 * packed into windows. Conversations of which nothing to learn is left are passed over.
 *
 * @throws OutriderError INVALID_ARGUMENT where the source has nothing to learn, or tokens that the model does not have; what
 * reading and tokenising throw. Of a row of a file it names the file and line, and is FILE_FORMAT where it was
 * INVALID_ARGUMENT; where the source lets rows be bad, the row is passed over
 */
export async function tokenize(source: DataSource, speaker: Speaker, length: number): Promise<Example[]> {
  const examples: Example[] = []
  const windows = new TextWindows(speaker, length)
  for await (const row of source) {
    const found = useRow(source, row, () =>
      row.kind === 'text' ? [...windows.add(row.text)] : exampleOf(row, source.name, speaker, length),
    )
    for (const example of found ?? []) examples.push(example)
  }
  examples.push(...windows.end())
  if (examples.length > 0) return examples
  throw new OutriderError('INVALID_ARGUMENT', `${source.name} has nothing to learn from.`, {
    remedy: 'It is empty, or every answer is cut off by the length.',
  })
}

function exampleOf(row: ConversationRow | TokensRow, name: string, speaker: Speaker, length: number): Example[] {
  const ids = row.kind === 'tokens' ? row.tokens : row.answerIds
  if (ids) checkTokens(ids, speaker, name)
  const { tokens, lossMask } = row.kind === 'tokens' ? row : tokenizeConversation(speaker, row.messages, row)
  const example = { tokens: tokens.slice(0, length + 1), lossMask: lossMask.slice(0, length + 1) }
  return example.lossMask.includes(1, 1) ? [example] : []
}

function checkTokens(tokens: readonly number[], { config: { vocabularySize } }: Speaker, name: string): void {
  const unknown = tokens.find((id) => id >= vocabularySize)
  if (unknown !== undefined)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${name} has token ${unknown}, but the model's vocabulary has ${vocabularySize} tokens.`,
      { remedy: 'Tokenise the rows with the tokenizer of this model.' },
    )
}
