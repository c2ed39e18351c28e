import {
  autoDraftLength,
  type Drafter,
  maxDraftLength,
  SpeculativeDecoder,
  type Verification,
} from '@outrider/speculative'
import { ContinuousBatch, type PretrainedModel, type WarmUpOptions } from '@outrider/transformer'
import { isLoopback } from './access'
import { toApiError } from './api-error'
import { buildApp } from './app'
import type { Decoding } from './engine/decoding'
import { Engine } from './engine/engine'
import { plainDecoding } from './engine/plain-decoding'
import { speculativeDecoding } from './engine/speculative-decoding'
import { listen } from './listen'
import { ServerMetrics } from './metrics/server-metrics'

export interface ServerOptions {
  target: PretrainedModel
  /** A small model of the same vocabulary, or anything else that drafts. */
  drafter?: PretrainedModel | Drafter | undefined
  /** What clients call the model. */
  name: string
  host: string
  port: number
  /** γ; 'auto' chooses it by measured costs and acceptance, for a request with a seed by no clock. Default 'auto'. */
  draftLength?: number | 'auto'
  verification?: Verification
  /** The most requests decoded at once. Default 16. */
  concurrency?: number
  /** The most requests that speculate only to be faster; more are decoded plainly, in one batch. Default 4. */
  speculateUpTo?: number
  /** The most requests that wait. Default 128. */
  queueLimit?: number
  /** The most tokens of a request, prompt and answer together. Default the model's context. */
  contextLength?: number | undefined
  apiKey?: string | undefined
  corsOrigins?: readonly string[]
  /** Default 1 MiB. */
  maxBodyBytes?: number
  /** Milliseconds after which a reader that takes nothing is let go of. Default 60,000. */
  stallMilliseconds?: number
  /** Milliseconds that a stream waits for its first token before its head is sent, after which failures are events. Default 3000. */
  headMilliseconds?: number
  /** Milliseconds of silence in a stream after which a comment is sent. Default 15,000. */
  commentMilliseconds?: number
  /** Milliseconds that running requests have for their end when the server closes. Default 5000. */
  graceMilliseconds?: number
  /** Whether kernels are compiled before the first request. Default true. */
  warmUp?: boolean
  /** Told what share of the warm-up is done. */
  onWarmUp?: ((share: number) => void) | undefined
  /** Told of errors that are the server's. */
  onError?: (error: unknown) => void
  signal?: AbortSignal | undefined
}

export interface OutriderServer {
  url: string
  /** What clients call the model. */
  name: string
  engine: Engine
  metrics: ServerMetrics
  /** The most tokens of a request. */
  contextLength: number
  /** Whether other machines cannot reach it. */
  loopbackOnly: boolean
  /** Takes no new request, refuses those that wait, and resolves when those that run have been answered or broken off. */
  close(): Promise<void>
}

/**
 * Serves a model over HTTP as OpenAI's API has it. It resolves when the server listens, all compiled. The models stay the
 * caller's to dispose of, after `close`.
 *
 * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens; INVALID_ARGUMENT for an address that cannot be had;
 *   ABORTED when the signal says so before it listens
 */
export async function startServer({
  concurrency = 16,
  queueLimit = 128,
  speculateUpTo = 4,
  corsOrigins = [],
  maxBodyBytes = 1 << 20,
  stallMilliseconds = 60_000,
  headMilliseconds = 3000,
  commentMilliseconds = 15_000,
  graceMilliseconds = 5000,
  onError = () => {},
  ...options
}: ServerOptions): Promise<OutriderServer> {
  const { target, name, host, port, apiKey } = options
  const { device } = target.model
  const batch = new ContinuousBatch(target, { size: concurrency })
  const contextLength = Math.min(options.contextLength ?? batch.longest, batch.longest)
  const metrics = new ServerMetrics({ model: name, device, longestDraft: options.drafter ? maxDraftLength : 0 })
  const speculative = await prepare(batch, options, metrics)
  const plain = plainDecoding(batch)
  const engine = new Engine({ plain, speculative, speculateUpTo, concurrency, queueLimit, metrics })
  const loopbackOnly = isLoopback(host)
  const app = buildApp({
    served: { name, target, contextLength, hasDraft: speculative !== undefined },
    engine,
    metrics,
    apiKey,
    loopbackOnly,
    corsOrigins,
    maxBodyBytes,
    stallMilliseconds,
    headMilliseconds,
    commentMilliseconds,
    onError,
  })
  const listening = await listen(app, { host, port, deliveryMilliseconds: Math.min(stallMilliseconds, 2000) })
  void device.lost.then((error) => engine.close(toApiError(error)))
  return {
    url: listening.url,
    name,
    engine,
    metrics,
    contextLength,
    loopbackOnly,
    async close() {
      const overdue = setTimeout(() => engine.breakOff(), graceMilliseconds)
      await listening.close(engine.drain())
      clearTimeout(overdue)
      batch.dispose()
    },
  }
}

/** Compiles what requests will need, and measures what automatic draft lengths go by. */
async function prepare(
  batch: ContinuousBatch,
  { target, drafter, draftLength = 'auto', verification = 'block', warmUp = true, onWarmUp, signal }: Preparation,
  metrics: ServerMetrics,
): Promise<Decoding | undefined> {
  // Of any draft length, for requests may ask for theirs.
  const decoder = drafter && new SpeculativeDecoder({ target, drafter, verification })
  const phases: ((options: WarmUpOptions) => Promise<void>)[] = [
    (options) => batch.warmUp({ ...options, logProbabilities: 1 }),
  ]
  // Greedy requests and those with a temperature have kernels of their own.
  if (decoder) for (const temperature of [0, 1]) phases.push((options) => decoder.warmUp({ ...options, temperature }))
  if (warmUp)
    for (const [phase, run] of phases.entries())
      await run({ signal, onProgress: ({ done, total }) => onWarmUp?.((phase + done / total) / phases.length) })
  if (!decoder) return undefined
  const costs = await decoder.measureCosts({ temperature: 1, signal })
  const auto = autoDraftLength({ costs })
  const onDraft = metrics.drafted.bind(metrics)
  return speculativeDecoding({ target, drafter, draftLength, auto, costs, verification, onDraft })
}

type Preparation = Pick<
  ServerOptions,
  'target' | 'drafter' | 'draftLength' | 'verification' | 'warmUp' | 'onWarmUp' | 'signal'
>
