import {
  longSequence,
  madeUpTokens,
  resolveSampling,
  type Sampling,
  throwIfAborted,
  type WarmUpOptions,
  warmUp,
} from '@outrider/transformer'
import type { Target } from './decoder'
import type { DraftStop } from './drafter/draft-stop'
import { type Drafter, offersOf } from './drafter/drafter'
import { firstOf } from './drafter/first-of'
import { madeUpDrafts } from './drafter/made-up-drafts'
import { Sequence } from './sequence'
import type { VerificationRule } from './verification/rule'

/** What blocks are made with. */
export interface BlockMakers {
  target: Target
  drafter: Drafter
  verification: VerificationRule
  /** The most tokens that are drafted. */
  longestDraft: number
  /** Where drafts end early, or may. */
  stop: DraftStop | undefined
}

/**
 * Compiles what plain decoding and blocks need, by passes over made-up tokens, and frees all the memory that it takes.
 *
 * @param options  the sampling that will be used
 * @throws OutriderError ABORTED when the signal says so
 */
export async function warmUpBlocks(
  makers: BlockMakers,
  { onProgress, signal, ...options }: WarmUpOptions,
): Promise<void> {
  const { target, drafter, verification, longestDraft, stop } = makers
  const { model, config } = target
  const sampling = resolveSampling(options)
  // As long as drafts are prompts, so that the drafter has read all numbers of rows that have kernels of their own, too.
  const lengths = longestDraft > 0 ? [1, 3, 7, 15] : []
  const long = lengths.length > 0 && config.contextLength >= longSequence + 2
  const steps = lengths.length + (long ? 1 : 0)
  let total = steps
  await warmUp(model, {
    ...options,
    signal,
    onProgress: (plain) => {
      total = plain.total + steps
      onProgress?.({ ...plain, total })
    },
  })
  const passed = (step: number) =>
    onProgress?.({ done: total - steps + step, total, pipelines: model.device.counters.pipelines })
  for (const [i, length] of lengths.entries()) {
    throwIfAborted(signal)
    const draftLength = Math.min(length, longestDraft)
    const read = Math.max(1, Math.min(length, config.contextLength - draftLength - 2))
    const sequence = new Sequence({
      target: model,
      drafter: firstOf(drafter, madeUpDrafts), // what is looked up finds nothing in made-up text
      verification,
      sampling,
      prompt: madeUpTokens(read, config.vocabularySize),
      capacity: Math.min(config.contextLength, read + draftLength + 2),
    })
    try {
      await sequence.step()
      for (const offer of sequence.offers(draftLength))
        for (const end of stop && offer.stops ? [undefined, stop] : [undefined]) {
          await sequence.step({ offer, draftLength, stop: end })
          sequence.rewind(read + 1)
        }
    } finally {
      sequence.dispose()
    }
    passed(i + 1)
  }
  if (!long) return
  throwIfAborted(signal)
  await warmUpLong(makers, sampling)
  passed(steps)
}

/** Long sequences have kernels of their own on GPUs; the target has been warmed up for them. */
async function warmUpLong({ target, drafter }: BlockMakers, sampling: Sampling): Promise<void> {
  const { device } = target.model
  const { vocabularySize } = target.config
  const session = drafter.open({ device, vocabularySize, capacity: longSequence + 2 })
  try {
    const tokens = madeUpTokens(longSequence, vocabularySize)
    for (const offer of offersOf(drafter, session, { tokens, limit: 2 }))
      device.scope(() => void session.draft({ tokens, offer, draftLength: 2, sampling, offset: 0 }))
    await device.idle()
  } finally {
    session.dispose()
  }
}
