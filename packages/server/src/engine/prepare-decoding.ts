import { type Block, measureBatchSteps, SpeculativeBatch, SpeculativeDecoder } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { ContinuousBatch, isOutOfMemory, type PrefixCache, type WarmUpOptions } from '@outrider/transformer'
import { type LoadedDraft, modelsOf } from '../drafts/served-draft'
import { assertOneFits, boundedDecoding, mebibytes } from '../memory/bounded-decoding'
import { measureScratch } from '../memory/measure-scratch'
import type { MemoryBudget } from '../memory/memory-budget'
import type { ServerOptions } from '../server-options'
import type { Decoding } from './decoding'
import { plainDecoding } from './plain-decoding'
import { speculativeDecoding } from './speculative-decoding'
import type { InTurn } from './successive-decodings'

/** What is alike for all drafts that a server has, one after another. */
export interface PrepareOptions
  extends Pick<ServerOptions, 'target' | 'draftLength' | 'draftStop' | 'warmUp' | 'onAnswer' | 'maxStepMilliseconds'> {
  verification: NonNullable<ServerOptions['verification']>
  concurrency: number
  onDraft: (block: Pick<Block, 'drafted' | 'accepted' | 'drafter'>) => void
  /** What is kept of prompts; it is the caller's. */
  prefixes: PrefixCache | undefined
  /** Takes each measurement: others may be decoding. */
  inTurn: InTurn
  /** What may be taken of the device, where it is bounded; and the most tokens of a request, for which there must be room. */
  budget: MemoryBudget | undefined
  contextLength: number
}

/** A way of decoding that is to be prepared. */
export interface Preparation {
  draft: LoadedDraft | undefined
  onWarmUp?: ((share: number) => void) | undefined
  signal: AbortSignal
}

/** How a server decodes, and what frees what that holds. */
export interface PreparedDecoding {
  decoding: Decoding
  dispose(): void
}

/**
 * Compiles what requests will need, and measures what draft lengths go by. With a draft all requests are decoded in one
 * `SpeculativeBatch`; without, in one `ContinuousBatch`, which queues a step before the last one is read. What was compiled for one
 * draft is not compiled again for the next.
 */
export function decodingPreparer({
  target,
  draftLength = 'auto',
  draftStop,
  verification,
  concurrency: size,
  maxStepMilliseconds = 50,
  warmUp = true,
  onAnswer = () => {},
  onDraft,
  prefixes,
  inTurn,
  budget,
  contextLength,
}: PrepareOptions): (preparation: Preparation) => Promise<PreparedDecoding> {
  const maxStepSeconds = maxStepMilliseconds / 1000
  /** Of all drafts. */
  const warm = { plain: !warmUp, batch: !warmUp }
  const warmPlain = (options: WarmUpOptions) =>
    new ContinuousBatch(target, { size }).warmUp({ ...options, logProbabilities: 1 })
  let isFirst = true
  /** Makes sure that there is memory for requests with this draft, before anything is done for them; and how it is kept. */
  const bounding = async (draft: Preparation['draft']) => {
    if (!budget) return (prepared: PreparedDecoding) => prepared
    const scratch = await inTurn(() => measureScratch(target, draft, { verification }))
    const options = { budget, target, drafts: draft ? modelsOf(draft.drafter) : [], scratch }
    if (isFirst) {
      budget.observeIdle()
      assertOneFits(contextLength, options)
    } else if (!budget.makeRoom(Math.max(0, scratch.pass - budget.passBytes) + scratch.step))
      throw new OutriderError('OUT_OF_MEMORY', `It leaves too little of ${mebibytes(budget.maxBytes)} for requests.`)
    isFirst = false
    return (prepared: PreparedDecoding) => boundedDecoding(prepared, options)
  }

  return async ({ draft, onWarmUp, signal }) => {
    const warmedUp = async (phases: readonly ((options: WarmUpOptions) => Promise<void>)[]) => {
      for (const [phase, run] of phases.entries())
        try {
          await run({ signal, onProgress: ({ done, total }) => onWarmUp?.((phase + done / total) / phases.length) })
        } catch (error) {
          // Batches for which there is no memory are none that requests will need.
          if (!budget || !isOutOfMemory(error)) throw error
        }
    }
    const bounded = await bounding(draft)
    const plainPhases = warm.plain ? [] : [warmPlain]
    if (!draft) {
      await warmedUp(plainPhases)
      warm.plain = true
      const batch = new ContinuousBatch(target, { size, maxStepSeconds })
      return bounded({ decoding: plainDecoding(batch, { onAnswer, prefixes }), dispose: () => batch.dispose() })
    }
    const { drafter, reproducibleDrafter = drafter } = draft
    const making = { target, drafter, verification, size }
    const decoder = new SpeculativeDecoder({ target, drafter, draftStop, verification })
    await warmedUp([
      ...plainPhases,
      // Greedy requests and those with a temperature have kernels of their own.
      ...(warmUp ? [0, 1] : []).map(
        (temperature) => (options: WarmUpOptions) => decoder.warmUp({ ...options, temperature }),
      ),
      ...(warm.batch ? [] : [(options: WarmUpOptions) => new SpeculativeBatch(making).warmUp(options)]),
    ])
    warm.plain = warm.batch = true
    const single = await decoder.measureCosts({ temperature: 1, inTurn, signal })
    const batchSteps = warmUp ? await measureBatchSteps({ ...making, inTurn, signal }) : []
    const costs = { ...single, batchSteps }
    const batch = new SpeculativeBatch({ ...making, costs, draftStop, maxStepSeconds })
    const drafting = { draftLength, draftStop, costs, reproducibleDrafter, onDraft }
    const decoding = speculativeDecoding({ batch, target, ...drafting, onAnswer, prefixes })
    return bounded({ decoding, dispose: () => batch.dispose() })
  }
}
