import type { Batch, BatchStream } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import type { Device } from '@outrider/tensor'
import { distill, pretrain, TargetStates } from '@outrider/training'
import { type DraftTarget, madeUpTokens, type PretrainedModel } from '@outrider/transformer'
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
  const { vocabularySize, contextLength } = target.config
  const length = Math.min(measured.length, contextLength)
  const rows = Math.min(mostRows, Math.max(2, Math.floor(most / (2 * length))))
  const [first, second] = [0, 1].map((shift) =>
    batchOf(vocabularySize, { rows, length, learned: measured.learned }, shift),
  ) as [Batch, Batch]
  const batches = [first, second, second]
  const data = inTurn(batches)
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

/** Seconds of a position of a draft that learns labels alone: of two steps the first compiles. */
export async function pretrainingTime(
  target: DraftTarget,
  shape: DraftShape,
  { device, signal }: { device: Device; signal?: AbortSignal | undefined },
): Promise<number> {
  const { vocabularySize, contextLength } = target.config
  const [rows, length] = [8, Math.min(measured.length, contextLength)]
  const batch = batchOf(shape.vocabulary ?? vocabularySize, { rows, length, learned: length })
  const draft = untrainedDraft(target, shape, device)
  const ends: number[] = []
  try {
    const data = inTurn([batch, batch])
    await pretrain(draft, data, { steps: 2, signal, onStep: ({ seconds }) => ends.push(seconds) })
  } finally {
    draft.dispose()
  }
  return Math.max(1e-9, (ends[1]! - ends[0]!) / (rows * length))
}

function inTurn(batches: readonly Batch[]): BatchStream {
  let step = 0
  return { next: async () => batches[step++]!, state: () => null, restore: async () => undefined }
}

function batchOf(
  vocabularySize: number,
  { rows, length, learned }: { rows: number; length: number; learned: number },
  shift = 0,
): Batch {
  const made = madeUpTokens(rows * (length + 1) + shift, vocabularySize).slice(shift)
  const tokens = Uint32Array.from(made.slice(0, rows * length))
  const labels = Uint32Array.from(made.slice(1, rows * length + 1))
  const lossMask = Float32Array.from(tokens, (_, i) => (length - (i % length) <= learned ? 1 : 0))
  return { tokens, labels, lossMask, batchSize: rows, length }
}
