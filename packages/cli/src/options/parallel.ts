import type { Speaker } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import {
  type LogEntry,
  type ParallelOptions,
  type PositionFigures,
  type PositionWeighting,
  positionWeightings,
} from '@outrider/training'
import { type PretrainedModel, parallelDraft } from '@outrider/transformer'
import { type Command, Option } from 'commander'
import { fixed, type Terminal } from '../terminal'
import { integer, number } from './parse'

export interface ParallelFlags {
  parallel?: number
  maskToken?: number
  groupRatio?: number
  groupMinimum?: number
  positionWeighting?: PositionWeighting
}

export const withParallel = (command: Command): Command =>
  command
    .option(
      '--parallel <k>',
      'adapt the draft to propose so many tokens in one pass, 2 to 15 (PARD): it learns from masks behind places of the text, too, two to three times the rows of an ordinary run',
      integer({ least: 2, most: 15 }),
    )
    .option(
      '--mask-token <id>',
      'the id that stands for what is not drafted yet (default: what the draft names, else one that no text has, else a row that is added)',
      integer({ least: 0 }),
    )
    .option(
      '--group-ratio <r>',
      'of the masks at a place of a block the share that is left at the next (default: 0.6)',
      number({ least: 0.01, most: 1 }),
    )
    .option(
      '--group-minimum <share>',
      'the least share that reaches a place (default: 0.1)',
      number({ least: 0, most: 1 }),
    )
    .addOption(
      new Option(
        '--position-weighting <name>',
        'what the losses of a place are weighted by: all alike, less from place to place, or by the probability that a block gets there (default: uniform)',
      ).choices(positionWeightings),
    )

/** @throws OutriderError INVALID_ARGUMENT for options of a parallel draft without --parallel */
export function parallelOf({
  parallel,
  maskToken,
  groupRatio,
  groupMinimum,
  positionWeighting,
}: ParallelFlags): ParallelOptions | undefined {
  if (parallel !== undefined)
    return { draftLength: parallel, ratio: groupRatio, minimum: groupMinimum, weighting: positionWeighting }
  const given = Object.entries({
    '--mask-token': maskToken,
    '--group-ratio': groupRatio,
    '--group-minimum': groupMinimum,
    '--position-weighting': positionWeighting,
  }).find(([, value]) => value !== undefined)
  if (!given) return undefined
  throw new OutriderError('INVALID_ARGUMENT', `${given[0]} is of drafts that propose several tokens at once.`, {
    remedy: 'Say how many: --parallel 8.',
  })
}

/** The draft in the form of a parallel one, in place of the one that was opened; what it costs others is said. */
export function asParallel(
  draft: PretrainedModel,
  { maskToken }: ParallelFlags,
  target: Pick<Speaker, 'config'>,
  terminal: Terminal,
): PretrainedModel {
  const parallel = parallelDraft(draft, { maskTokenId: maskToken })
  const { maskTokenId, vocabularySize } = parallel.config
  const isAdded = vocabularySize > draft.config.vocabularySize
  draft.dispose()
  terminal.note(
    `  Token ${maskTokenId} stands for what is not drafted yet${isAdded ? ': a row that was added to the embedding' : ''}.`,
  )
  if (isAdded && vocabularySize !== target.config.vocabularySize)
    terminal.note(
      '  The draft has one token more than its target, which vLLM refuses; --mask-token names one that no text has.',
    )
  return parallel
}

/** `α by position 0.71 0.58`, or nothing. */
export function positionsText(figures: PositionFigures | undefined): string | undefined {
  if (!figures || figures.acceptance_rates.length === 0) return undefined
  return `α by position ${figures.acceptance_rates.map((rate) => fixed(rate, 2)).join(' ')}`
}

/** What the last tenth of a run's steps said by position, on the average. */
export function positionsOfRun(history: readonly LogEntry[]): PositionFigures | undefined {
  const steps = history.flatMap(({ parallel }) => parallel ?? [])
  if (steps.length === 0) return undefined
  const late = steps.slice(-Math.max(1, Math.floor(steps.length / 10)))
  const means = (key: keyof PositionFigures) =>
    Array.from({ length: Math.max(...late.map((figures) => figures[key].length)) }, (_, k) => {
      const values = late.flatMap((figures) => figures[key][k] ?? [])
      return values.reduce((a, b) => a + b, 0) / values.length
    })
  return { acceptance_rates: means('acceptance_rates'), acceptance_lengths: means('acceptance_lengths') }
}
