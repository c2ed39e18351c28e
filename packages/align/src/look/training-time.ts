import type { Batch, BatchStream } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { distill, TargetStates } from '@outrider/training'
import { madeUpTokens, type PretrainedModel } from '@outrider/transformer'
import { untrainedDraft } from './draft-costs'
import type { DraftShape } from './draft-shape'
import type { Look } from './look'

/** Rows and positions of the measured steps. */
const measured = { rows: 4, length: 64 }

/**
 * Seconds of a position of training: three steps, of which the first compiles, the second is over rows that the target has not
 * read, and the third over the same.
 */
export async function trainingTime(
  target: PretrainedModel,
  shape: DraftShape,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Pick<Look, 'targetPositionSeconds' | 'draftPositionSeconds'>> {
  const length = Math.min(measured.length, target.config.contextLength)
  const [first, second] = [0, 1].map((shift) => batchOf(target, length, shift)) as [Batch, Batch]
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
  const positions = measured.rows * length
  const draftPositionSeconds = (three - two) / positions
  return {
    draftPositionSeconds,
    targetPositionSeconds: Math.max(0, (two - one) / positions - draftPositionSeconds),
  }
}

function batchOf({ config: { vocabularySize } }: PretrainedModel, length: number, shift: number): Batch {
  const made = madeUpTokens(measured.rows * (length + 1) + shift, vocabularySize).slice(shift)
  const tokens = Uint32Array.from(made.slice(0, measured.rows * length))
  const labels = Uint32Array.from(made.slice(1, measured.rows * length + 1))
  return { tokens, labels, lossMask: new Float32Array(tokens.length).fill(1), batchSize: measured.rows, length }
}
