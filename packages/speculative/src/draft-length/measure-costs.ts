import { noToken, type Tensor } from '@outrider/tensor'
import {
  type CausalLM,
  madeUpTokens,
  notFiniteLogits,
  prefill,
  type Sampling,
  sampleTokens,
  throwIfAborted,
} from '@outrider/transformer'
import type { Drafter } from '../drafter/drafter'
import { maxDraftLength } from './policy'
import type { StepCosts } from './step-costs'

export interface MeasureCostsOptions {
  target: CausalLM
  drafter: Drafter
  sampling: Sampling
  /** Tokens before the measured steps: what attention costs. Default 64. */
  context?: number
  /** Times each step is measured; the fastest counts. Default 3. */
  repetitions?: number
  /** Seconds. Default the system's clock. */
  now?: () => number
  signal?: AbortSignal | undefined
}

const draftedTokens = 4

/**
 * Measures what draft steps and target passes of 1 to 16 rows cost, each waited for by itself. It takes memory for two
 * short caches and frees it; nothing that is being generated is touched.
 *
 * @throws OutriderError ABORTED when the signal says so; NOT_FINITE where the draft's logits are no numbers
 */
export async function measureCosts({
  target,
  drafter,
  sampling,
  context = 64,
  repetitions = 3,
  now = () => performance.now() / 1000,
  signal,
}: MeasureCostsOptions): Promise<StepCosts> {
  const { device, config } = target
  const vocabularySize = config.vocabularySize
  const length = Math.max(1, Math.min(context, config.contextLength - maxDraftLength - 1))
  const tokens = madeUpTokens(length, vocabularySize)
  const cache = target.createCache({ capacity: length + maxDraftLength + 1 })
  const session = drafter.open({ device, vocabularySize, capacity: length + maxDraftLength + 1 })

  const fastest = async (step: () => void, undo: () => void) => {
    let best = Number.POSITIVE_INFINITY
    // The first run compiles and warms.
    for (let run = 0; run <= repetitions; run++) {
      await device.idle()
      throwIfAborted(signal)
      const begin = now()
      device.scope(step)
      await device.idle()
      if (run > 0) best = Math.min(best, now() - begin)
      undo()
    }
    return Math.max(best, 1e-9)
  }
  const pass = (rows: number) => {
    const ids = device.tensor(
      Uint32Array.from({ length: rows }, (_, i) => tokens[i % length]!),
      { shape: [1, rows] },
    )
    sampleTokens(target.forward(ids, { cache }).reshape([rows, vocabularySize]), sampling, 0)
  }

  try {
    prefill(target, cache, [tokens]).dispose()
    const targetSeconds: { rows: number; seconds: number }[] = []
    for (const rows of [1, 2, 4, 8, 16]) {
      const seconds = await fastest(
        () => pass(rows),
        () => cache.truncate(length),
      )
      // A pass over more rows does at least the work of one over fewer: a smaller time is noise.
      targetSeconds.push({ rows, seconds: Math.max(seconds, targetSeconds.at(-1)?.seconds ?? 0) })
    }
    let drafted = 0
    const request = { tokens, draftLength: draftedTokens, sampling, offset: 0 }
    const draftSeconds = await fastest(
      () => {
        drafted = session.draft(request)?.tokens.size ?? 0
      },
      () => session.keep(length - 1),
    )
    // A draft that is found not to pay is not asked again: that its logits are no numbers would stay hidden.
    let ids: ReturnType<Tensor['data']> | undefined
    device.scope(() => {
      ids = session.draft(request)?.tokens.data()
    })
    if ((await ids)?.includes(noToken)) throw notFiniteLogits('The draft')
    return { draftSeconds: drafted > 0 && drafter.parameterCount > 0 ? draftSeconds / drafted : 0, targetSeconds }
  } finally {
    cache.dispose()
    session.dispose()
  }
}
