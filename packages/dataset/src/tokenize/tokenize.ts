import { OutriderError } from '@outrider/tensor'
import type { ConversationRow, DataSource, TokensRow } from '../formats/row'
import { useRow } from '../formats/use-row'
import { type Example, type Speaker, tokenizeConversation } from './example'
import { LeftOutRows, leftOutOnConsole, type OnLeftOut } from './left-out'
import { TextWindows } from './windows'

/**
 * All rows of a source as examples of at most `length` positions: conversations one each (cut where they are longer), texts
 * packed into windows. Conversations of which nothing to learn is left are passed over; of these and of the cut ones
 * `onLeftOut` is told, with their number and the reason.
 *
 * @param onLeftOut  default: a line on the console
 * @throws OutriderError INVALID_ARGUMENT where the source has nothing to learn, or tokens that the model does not have; what
 * reading and tokenising throw. Of a row of a file it names the file and line, and is FILE_FORMAT where it was
 * INVALID_ARGUMENT; where the source lets rows be bad, the row is passed over
 */
export async function tokenize(
  source: DataSource,
  speaker: Speaker,
  length: number,
  onLeftOut: OnLeftOut = leftOutOnConsole,
): Promise<Example[]> {
  const examples: Example[] = []
  for await (const example of examplesIn(source, speaker, { length, onLeftOut })) examples.push(example)
  return examples
}

/**
 * The same, one after the other: memory holds one row at a time.
 *
 * @param options.length   positions of a conversation
 * @param options.windows  positions of a window of text; default the same
 */
export async function* examplesIn(
  source: DataSource,
  speaker: Speaker,
  { length, windows: ofText = length, onLeftOut }: { length: number; windows?: number; onLeftOut: OnLeftOut },
): AsyncGenerator<Example, void, undefined> {
  const windows = new TextWindows(speaker, ofText)
  const counted = new LeftOutRows(source.name, length)
  let isEmpty = true
  for await (const row of source) {
    counted.read()
    const found = useRow(source, row, () => {
      if (row.kind === 'text') return [...windows.add(row.text)]
      return within(exampleOf(row, source.name, speaker), length, (kind) => counted.count(kind, row.where))
    })
    isEmpty &&= !found?.length
    yield* found ?? []
  }
  const rest = [...windows.end()]
  yield* rest
  const leftOut = counted.summary()
  if (!isEmpty || rest.length > 0) {
    if (leftOut) onLeftOut(leftOut)
    return
  }
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `${source.name} has nothing to learn from${leftOut ? ` (${leftOut.message.slice(source.name.length + 2, -1)})` : ''}.`,
    { remedy: leftOut ? 'Give rows with something to learn, or a longer length.' : 'It is empty.' },
  )
}

/** A row as an example, whole. */
export function exampleOf(row: ConversationRow | TokensRow, name: string, speaker: Speaker): Example {
  const ids = row.kind === 'tokens' ? row.tokens : row.answerIds
  if (ids) checkTokens(ids, speaker, name)
  return row.kind === 'tokens' ? row : tokenizeConversation(speaker, row.messages, row)
}

/** An example in so many positions; none where nothing to learn is left. A first token has nothing before it. */
function within(
  { tokens, lossMask }: Example,
  length: number,
  count: (kind: 'cut' | 'tooLong' | 'unlearned') => void,
): Example[] {
  const first = lossMask.indexOf(1, 1)
  if (first < 0 || first > length) {
    count(first < 0 ? 'unlearned' : 'tooLong')
    return []
  }
  if (lossMask.includes(1, length + 1)) count('cut')
  return [{ tokens: tokens.slice(0, length + 1), lossMask: lossMask.slice(0, length + 1) }]
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
