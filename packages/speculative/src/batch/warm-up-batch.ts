import { longSequence, madeUpTokens, throwIfAborted, type WarmUpOptions } from '@outrider/transformer'
import type { Target } from '../decoder'
import { madeUpDrafts } from '../drafter/made-up-drafts'
import type { SpeculativeBatch } from './speculative-batch'

export interface WarmUpBatchOptions extends Pick<WarmUpOptions, 'onProgress' | 'signal'> {
  target: Target
  /** The most sequences of the batch. */
  size: number
}

/**
 * Has a batch compile what it needs, by steps of made-up sequences. Nobody may be in it; it is empty afterwards.
 *
 * @throws OutriderError ABORTED when the signal says so
 */
export async function warmUpBatch(
  batch: SpeculativeBatch,
  { target: { model, config }, size, onProgress, signal }: WarmUpBatchOptions,
): Promise<void> {
  const rounds = warmUpRounds({ size, longest: batch.longest }, config)
  try {
    for (const [i, sequences] of rounds.entries()) {
      throwIfAborted(signal)
      for (const { prompt, isDrafted, ...options } of sequences)
        if (batch.fits(prompt.length + options.maxTokens))
          batch.join(prompt, { ...options, ...(!isDrafted && { drafter: madeUpDrafts }) })
      // What the prompts say, and two blocks: a draft reads its prompt with the first.
      for (let step = 0; step < 3; step++) await batch.step()
      batch.dispose()
      await model.device.idle()
      onProgress?.({ done: i + 1, total: rounds.length, pipelines: model.device.counters.pipelines })
    }
  } finally {
    batch.dispose()
  }
}

/** A made-up sequence of a batch that is warmed up. */
interface WarmUpSequence {
  prompt: number[]
  draftLength: number
  maxTokens: number
  temperature: number
  topP: number
  /** Whether the batch's own drafter drafts for it; else anything is drafted at no cost. */
  isDrafted: boolean
}

/**
 * What batches are made of that together need every kernel: drafts of 0, 1, 3, 7 and 15 tokens, for passes over so many rows of a
 * sequence have kernels of their own, beside a sequence that is not drafted for; long sequences, too; and the numbers of rows that
 * linear layers have kernels for, of the target and of a draft that drafts for so many.
 */
function warmUpRounds(
  { size, longest }: { size: number; longest: number },
  { vocabularySize }: { vocabularySize: number },
): WarmUpSequence[][] {
  const sequence = (length: number, draftLength: number, temperature: number, isDrafted = false): WarmUpSequence => {
    const maxTokens = draftLength + 3
    // Unequal lengths, for a batch whose sequences begin at one place is read by other kernels.
    const read = Math.max(1, Math.min(length, longest - maxTokens))
    return { prompt: madeUpTokens(read, vocabularySize), draftLength, maxTokens, temperature, topP: 0.9, isDrafted }
  }
  const lengths = [0, 1, 3, 7, 15]
  const alone = [...lengths, ...lengths].map((draftLength, i) => [
    sequence(i < lengths.length ? 2 : longSequence + 2, draftLength, i % 2),
  ])
  const pairs = [2, longSequence + 2].flatMap((length) =>
    lengths.map((draftLength, i) => [sequence(length, draftLength, i % 2), sequence(1, 0, 1)]),
  )
  const many = [3, 4, 8, 16].map((count) =>
    Array.from({ length: count }, (_, i) => sequence(1 + (i % 3), i % 2, i % 2)),
  )
  const drafted = [2, 3, 4, 8, 16].map((count) =>
    Array.from({ length: count }, (_, i) => sequence(1 + (i % 3), 2, i % 2, true)),
  )
  const several = [...many, ...drafted].filter(({ length }) => length <= size)
  return [...alone, ...(size > 1 ? pairs : []), ...several].filter((sequences) =>
    sequences.every(({ prompt, maxTokens }) => prompt.length + maxTokens <= longest),
  )
}
