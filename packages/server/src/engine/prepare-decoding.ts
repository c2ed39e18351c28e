import { type Block, SpeculativeBatch, type SpeculativeDecoder } from '@outrider/speculative'
import { ContinuousBatch, type PrefixCache, type WarmUpOptions } from '@outrider/transformer'
import type { ServerOptions } from '../create-server'
import type { Decoding } from './decoding'
import { plainDecoding } from './plain-decoding'
import { speculativeDecoding } from './speculative-decoding'

export interface PrepareOptions
  extends Pick<
    ServerOptions,
    | 'target'
    | 'drafter'
    | 'reproducibleDrafter'
    | 'draftLength'
    | 'draftStop'
    | 'warmUp'
    | 'onWarmUp'
    | 'onAnswer'
    | 'maxStepMilliseconds'
  > {
  /** With a draft: what measures and warms up for it. */
  decoder: SpeculativeDecoder | undefined
  verification: NonNullable<ServerOptions['verification']>
  concurrency: number
  onDraft: (block: Pick<Block, 'drafted' | 'accepted' | 'drafter'>) => void
  /** What is kept of prompts; it is the caller's. */
  prefixes: PrefixCache | undefined
  signal: AbortSignal
}

/** How a server decodes, and what frees what that holds. */
export interface PreparedDecoding {
  decoding: Decoding
  dispose(): void
}

/**
 * Compiles what requests will need, and measures what draft lengths go by. With a draft all requests are decoded in one
 * `SpeculativeBatch`; without, in one `ContinuousBatch`, which queues a step before the last one is read.
 */
export async function prepareDecoding({
  target,
  drafter,
  reproducibleDrafter = drafter,
  decoder,
  draftLength = 'auto',
  draftStop,
  verification,
  concurrency: size,
  maxStepMilliseconds = 50,
  warmUp = true,
  onWarmUp,
  onAnswer = () => {},
  onDraft,
  prefixes,
  signal,
}: PrepareOptions): Promise<PreparedDecoding> {
  const warmedUp = async (phases: ((options: WarmUpOptions) => Promise<void>)[]) => {
    if (!warmUp) return
    for (const [phase, run] of phases.entries())
      await run({ signal, onProgress: ({ done, total }) => onWarmUp?.((phase + done / total) / phases.length) })
  }
  const maxStepSeconds = maxStepMilliseconds / 1000
  const plain = new ContinuousBatch(target, { size, maxStepSeconds })
  const warmPlain = (options: WarmUpOptions) => plain.warmUp({ ...options, logProbabilities: 1 })
  if (!decoder || !drafter || !reproducibleDrafter) {
    await warmedUp([warmPlain])
    return { decoding: plainDecoding(plain, { onAnswer, prefixes }), dispose: () => plain.dispose() }
  }
  const making = { target, drafter, verification, size }
  await warmedUp([
    warmPlain,
    // Greedy requests and those with a temperature have kernels of their own.
    ...[0, 1].map((temperature) => (options: WarmUpOptions) => decoder.warmUp({ ...options, temperature })),
    (options) => new SpeculativeBatch(making).warmUp(options),
  ])
  const costs = await decoder.measureCosts({ temperature: 1, signal })
  const batch = new SpeculativeBatch({ ...making, costs, draftStop, maxStepSeconds })
  const drafting = { draftLength, draftStop, costs, reproducibleDrafter, onDraft }
  return {
    decoding: speculativeDecoding({ batch, target, ...drafting, onAnswer, prefixes }),
    dispose: () => batch.dispose(),
  }
}
