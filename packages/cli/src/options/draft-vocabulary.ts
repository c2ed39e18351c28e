import { countIds, type DataSource, frequentIds, type Speaker } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import type { Command } from 'commander'
import { integer } from './parse'

export interface DraftVocabularyFlags {
  draftVocabulary?: number
}

export const withDraftVocabulary = (command: Command): Command =>
  command.option(
    '--draft-vocabulary <n>',
    "ids that the draft says, those most said in --data: its head costs less, and answers stay the target's (default: those that it has, or all)",
    integer({ least: 2 }),
  )

/**
 * How often ids are said in a source, and those that a draft is to say; undefined where it is not asked for.
 *
 * @throws OutriderError INVALID_ARGUMENT where it is asked for, and there is no source
 */
export async function countedVocabulary(
  { draftVocabulary: size }: DraftVocabularyFlags,
  data: DataSource | undefined,
  speaker: Speaker,
): Promise<{ counts?: Float64Array; vocabulary?: readonly number[] }> {
  if (!data && size !== undefined)
    throw new OutriderError('INVALID_ARGUMENT', '--draft-vocabulary counts the ids of --data, which is missing.', {
      remedy: 'Give answers of the target, as `outrider generate` writes them: --data answers.jsonl.',
    })
  if (!data) return {}
  const counts = await countIds(data, speaker)
  return { counts, ...(size !== undefined && { vocabulary: frequentIds(counts, size, speaker) }) }
}
