import { OutriderError } from '@outrider/tensor'
import { endsOfText } from '@outrider/transformer'
import type { DataSource } from '../formats/row'
import type { Speaker } from './example'
import { leftOutOnConsole } from './left-out'
import { examplesIn } from './tokenize'

/**
 * How often each token is to be said in a source: of conversations the answers with what ends them, of texts all of them.
 * Memory holds one row at a time.
 *
 * @returns by id, as many as the model's vocabulary has
 * @throws OutriderError as `tokenize`
 */
export async function countIds(source: DataSource, speaker: Speaker): Promise<Float64Array> {
  const counts = new Float64Array(speaker.config.vocabularySize)
  // Rows whole, however long they are; a first token follows nothing. Windows of text overlap by it, so their length is no matter.
  const whole = { length: Number.MAX_SAFE_INTEGER, windows: windowLength, onLeftOut: leftOutOnConsole }
  for await (const { tokens, lossMask } of examplesIn(source, speaker, whole))
    for (let i = 1; i < tokens.length; i++) if (lossMask[i] === 1) counts[tokens[i]!]!++
  return counts
}

/**
 * The ids that are said most often, for a draft whose head covers these alone: with the ends of text, and filled up with the
 * first of those that were never said, as the pieces of a vocabulary stand about in the order of their frequency.
 *
 * @param counts   by id, as `countIds` gives them
 * @param size     how many; no more than there are
 * @param speaker  whose ends of text are among them
 * @returns ascending
 * @throws OutriderError INVALID_ARGUMENT for a size that is no positive whole number, or less than there are ends
 */
export function frequentIds(
  counts: ArrayLike<number>,
  size: number,
  speaker: Pick<Speaker, 'config' | 'generationConfig'>,
): number[] {
  const ends = endsOfText(speaker)
  if (!(Number.isSafeInteger(size) && size > 0 && size >= ends.length))
    throw new OutriderError('INVALID_ARGUMENT', `A vocabulary of ${size} ids has no room for ${needs(ends.length)}.`, {
      remedy: 'Give some thousands: 8192 are most of what a chat model says.',
    })
  const byCount = Array.from({ length: speaker.config.vocabularySize }, (_, id) => id)
    .filter((id) => !ends.includes(id))
    .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b)
  return [...ends, ...byCount.slice(0, size - ends.length)].sort((a, b) => a - b)
}

const needs = (ends: number) => (ends > 1 ? `the ${ends} tokens that end a text` : 'a token')

const windowLength = 4096
