import {
  autoDraftLength,
  type Drafter,
  type DraftStop,
  maxDraftLength,
  SpeculativeDecoder,
  type Verification,
} from '@outrider/speculative'
import { type CausalLM, ContinuousBatch, type PretrainedModel, type WarmUpOptions } from '@outrider/transformer'
import type { Hono } from 'hono'
import { toApiError } from './api-error'
import { buildApp } from './app'
import type { AnsweredTokens, Decoding } from './engine/decoding'
import { Engine } from './engine/engine'
import { plainDecoding } from './engine/plain-decoding'
import { speculativeDecoding } from './engine/speculative-decoding'
import { type ServerFigures, ServerMetrics } from './metrics/server-metrics'
import { Passes } from './passes/passes'

export interface ServerOptions {
  target: PretrainedModel<CausalLM>
  /** A small model of the same vocabulary, or anything else that drafts. */
  drafter?: PretrainedModel<CausalLM> | Drafter | undefined
  /**
   * What drafts for a request with a seed, whose answer is to come again: needed where `drafter` learns from answers. Default
   * `drafter`.
   */
  reproducibleDrafter?: PretrainedModel<CausalLM> | Drafter | undefined
  /** What clients call the model. Default 'model'. */
  name?: string
  /** γ; 'auto' chooses it by measured costs and acceptance, for a request with a seed by no clock. Default 'auto'. */
  draftLength?: number | 'auto'
  /** Where drafts of a model end before their length; 'auto': where it pays by measured costs. Default nowhere. */
  draftStop?: DraftStop | 'auto' | undefined
  verification?: Verification
  /** The most requests decoded at once. Default 16. */
  concurrency?: number
  /** The most requests that speculate only to be faster; more are decoded plainly, in one batch. Default 4. */
  speculateUpTo?: number
  /** The most requests that wait. Default 128. */
  queueLimit?: number
  /** The most tokens of a request, prompt and answer together. Default the model's context. */
  contextLength?: number | undefined
  /** The most of the likeliest tokens told for a place, of prompts and of answers. Default 20. */
  maxLogprobs?: number
  /** The most answers to one prompt of a request (`n`). Default 16. */
  maxChoices?: number
  /** What clients must send as Bearer. Without one, everybody who reaches the server may ask. */
  apiKey?: string | undefined
  /** Whether only names of this machine are answered where there is no key. Default false. */
  loopbackOnly?: boolean
  /** Origins of pages in browsers that may ask; '*' for all. Default none. */
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
  /** Told of each answer that came to its end, of whichever client: what it is used for, others may notice. */
  onAnswer?: ((answer: AnsweredTokens) => void) | undefined
  /** Told of errors that are the server's. */
  onError?: (error: unknown) => void
  /** Breaks off what comes before `ready`. */
  signal?: AbortSignal | undefined
}

export interface OutriderServer {
  /** The routes, to be mounted: `yours.route('/ai', server.app)`. */
  app: Hono
  /** What clients call the model. */
  name: string
  /** The most tokens of a request. */
  contextLength: number
  /**
   * Resolves when all is compiled and measured; requests that come before wait. It rejects where that fails, as every request does
   * then: ABORTED when the signal says so, NOT_FINITE for a draft whose logits are no numbers.
   */
  ready: Promise<void>
  /** What it does, and has done. */
  figures(): ServerFigures
  /** Takes no new request, refuses those that wait, and resolves when those that run have been answered or broken off. */
  close(): Promise<void>
  /** @internal */
  engine: Engine
  /** @internal */
  metrics: ServerMetrics
}

/**
 * Serves a model as OpenAI's API has it, by an app to be mounted into another or given to any host that Hono runs on. The models
 * stay the caller's to dispose of, after `close`.
 *
 * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens
 */
export function createServer({
  name = 'model',
  concurrency = 16,
  queueLimit = 128,
  speculateUpTo = 4,
  maxLogprobs = 20,
  maxChoices = 16,
  loopbackOnly = false,
  corsOrigins = [],
  maxBodyBytes = 1 << 20,
  stallMilliseconds = 60_000,
  headMilliseconds = 3000,
  commentMilliseconds = 15_000,
  graceMilliseconds = 5000,
  onError = () => {},
  ...options
}: ServerOptions): OutriderServer {
  const { target, drafter, verification = 'block', apiKey } = options
  const { device } = target.model
  // Of any draft length, for requests may ask for theirs.
  const decoder = drafter && new SpeculativeDecoder({ target, drafter, draftStop: options.draftStop, verification })
  const batch = new ContinuousBatch(target, { size: concurrency })
  const contextLength = Math.min(options.contextLength ?? batch.longest, batch.longest)
  const metrics = new ServerMetrics({ model: name, device, longestDraft: drafter ? maxDraftLength : 0 })
  const closing = new AbortController()
  const signal = AbortSignal.any([closing.signal, ...(options.signal ? [options.signal] : [])])
  const speculative = prepare(batch, decoder, { ...options, verification, signal }, metrics)
  const engine = new Engine({
    plain: plainDecoding(batch, options.onAnswer),
    speculative,
    speculateUpTo,
    concurrency,
    queueLimit,
    metrics,
  })
  const ready = speculative.then(() => {})
  ready.catch(() => {}) // who does not wait for it hears of it by the requests
  const passes = new Passes({ ready, queueLimit, closed: () => engine.closed })
  void device.lost.then((error) => {
    engine.close(toApiError(error))
    passes.breakOff()
  })
  const app = buildApp({
    served: {
      name,
      target,
      contextLength,
      maxLogprobs,
      mostPrompts: concurrency + queueLimit,
      mostChoices: maxChoices,
      hasDraft: decoder !== undefined,
    },
    engine,
    passes,
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
  return {
    app,
    name,
    contextLength,
    ready,
    engine,
    metrics,
    figures: () => metrics.figures(),
    async close() {
      const overdue = setTimeout(() => {
        engine.breakOff()
        passes.breakOff()
      }, graceMilliseconds)
      closing.abort()
      await Promise.all([engine.drain(), passes.drain()])
      clearTimeout(overdue)
      await ready.catch(() => {})
      batch.dispose()
    },
  }
}

/** Compiles what requests will need, and measures what automatic draft lengths go by. */
async function prepare(
  batch: ContinuousBatch,
  decoder: SpeculativeDecoder | undefined,
  {
    target,
    drafter,
    reproducibleDrafter = drafter,
    draftLength = 'auto',
    draftStop,
    verification,
    warmUp = true,
    onWarmUp,
    onAnswer = () => {},
    signal,
  }: Preparation,
  metrics: ServerMetrics,
): Promise<Decoding | undefined> {
  const phases: ((options: WarmUpOptions) => Promise<void>)[] = [
    (options) => batch.warmUp({ ...options, logProbabilities: 1 }),
  ]
  // Greedy requests and those with a temperature have kernels of their own.
  if (decoder) for (const temperature of [0, 1]) phases.push((options) => decoder.warmUp({ ...options, temperature }))
  if (warmUp)
    for (const [phase, run] of phases.entries())
      await run({ signal, onProgress: ({ done, total }) => onWarmUp?.((phase + done / total) / phases.length) })
  if (!decoder || !drafter || !reproducibleDrafter) return undefined
  const costs = await decoder.measureCosts({ temperature: 1, signal })
  const auto = autoDraftLength({ costs, stops: draftStop === 'auto' })
  const onDraft = metrics.drafted.bind(metrics)
  const drafters = { drafter, reproducibleDrafter }
  const drafting = { ...drafters, draftLength, draftStop, auto, costs, verification }
  return speculativeDecoding({ target, ...drafting, onDraft, onAnswer })
}

type Preparation = Pick<
  ServerOptions,
  'target' | 'drafter' | 'reproducibleDrafter' | 'draftLength' | 'draftStop' | 'warmUp' | 'onWarmUp' | 'onAnswer'
> & {
  verification: Verification
  signal: AbortSignal
}
