import type { Batch, BatchStream } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { distill, TargetStates } from '@outrider/training'
import { madeUpTokens, type PretrainedModel } from '@outrider/transformer'
import { untrainedDraft } from './draft-costs'
import type { DraftShape } from './draft-shape'
import type { Look } from './look'

/** A row of the measured steps: a prompt and an answer, of which the answer is learned. */
const measured = { length: 96, learned: 56 }

/** Rows of a step of a run: what a step costs whatever it is over, the update of all parameters, is shared among so many. */
const mostRows = 16

/**
 * Seconds of a position of training: three steps, of which the first compiles, the second is over rows that the target has not
 * read, and the third over the same.
 *
 * @param options.positions  positions that there is time to have the target read; with few of them the draft looks dearer than it is
 */
export async function trainingTime(
  target: PretrainedModel,
  shape: DraftShape,
  { positions: most, signal }: { positions: number; signal?: AbortSignal | undefined },
): Promise<Pick<Look, 'targetPositionSeconds' | 'draftPositionSeconds'>> {
  const length = Math.min(measured.length, target.config.contextLength)
  const rows = Math.min(mostRows, Math.max(2, Math.floor(most / (2 * length))))
  const [first, second] = [0, 1].map((shift) => batchOf(target, { rows, length }, shift)) as [Batch, Batch]
  const batches = [first, second, second]
  const data: BatchStream = {
    next: async () => batches.shift()!,
    state: () => null,
    restore: async () => undefined,
  }
  const draft = untrainedDraft(target, shape)
  using targetStates = new TargetStates()
  const ends: number[] = []
  try {
    await distill({
      draft,
      target,
      data,
      loss: kld,
      targetStates,
      steps: batches.length,
      signal,
      onStep: ({ seconds }) => ends.push(seconds),
    })
  } finally {
    draft.dispose()
  }
  const [one, two, three] = ends as [number, number, number]
  const positions = rows * length
  const draftPositionSeconds = (three - two) / positions
  return {
    draftPositionSeconds,
    targetPositionSeconds: Math.max(0, (two - one) / positions - draftPositionSeconds),
  }
}

function batchOf(
  { config: { vocabularySize } }: PretrainedModel,
  { rows, length }: { rows: number; length: number },
  shift: number,
): Batch {
  const made = madeUpTokens(rows * (length + 1) + shift, vocabularySize).slice(shift)
  const tokens = Uint32Array.from(made.slice(0, rows * length))
  const labels = Uint32Array.from(made.slice(1, rows * length + 1))
  const lossMask = Float32Array.from(tokens, (_, i) => (length - (i % length) <= measured.learned ? 1 : 0))
  return { tokens, labels, lossMask, batchSize: rows, length }
}
