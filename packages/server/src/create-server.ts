import {
  type Drafter,
  type DraftStop,
  maxDraftLength,
  SpeculativeDecoder,
  type Verification,
} from '@outrider/speculative'
import {
  type CausalLM,
  ContinuousBatch,
  defaultPrefixBytes,
  PrefixCache,
  type PretrainedModel,
} from '@outrider/transformer'
import type { Hono } from 'hono'
import { toApiError } from './api-error'
import { buildApp, buildOperatorApp } from './app'
import type { AnsweredTokens } from './engine/decoding'
import { Engine } from './engine/engine'
import { prepareDecoding } from './engine/prepare-decoding'
import { type ServerFigures, ServerMetrics } from './metrics/server-metrics'
import { type ApiKeys, Keys } from './operators/keys'
import type { RequestLogEntry } from './operators/request-log'
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
  /**
   * γ; 'auto' chooses in every step who speculates, and how far, by measured costs and acceptance; for a request with a seed by no
   * clock. Default 'auto'.
   */
  draftLength?: number | 'auto'
  /** Where drafts of a model end before their length; 'auto': where it pays by measured costs. Default nowhere. */
  draftStop?: DraftStop | 'auto' | undefined
  verification?: Verification
  /** The most requests decoded at once. Default 16. */
  concurrency?: number
  /**
   * Milliseconds that a step may take while a prompt is read beside those who are being answered, as far as pieces of 64 tokens allow.
   * Default 50.
   */
  maxStepMilliseconds?: number
  /**
   * The most memory of the device for what prompts begin with, so that others that begin so read only what is new; 0 keeps nothing. Default
   * 512 MiB. Answers have the same bits.
   */
  prefixCacheBytes?: number
  /**
   * Whether requests of all keys share beginnings of prompts. How fast an answer comes tells whether somebody has asked what begins so.
   * Default false: those of one key do.
   */
  sharePrefixes?: boolean | undefined
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
  /** Several of them by name, in place of `apiKey` or beside it; logs and metrics show names. */
  apiKeys?: ApiKeys | undefined
  /** The most requests of one key that may run or wait at once; one more gets 429. Default as many as fit. */
  requestsPerKey?: number | undefined
  /** Whether only names of this machine are answered where there is no key. Default false. */
  loopbackOnly?: boolean
  /** Origins of pages in browsers that may ask; '*' for all. Default none. */
  corsOrigins?: readonly string[]
  /** Whether `/` is a page to chat by, for everybody; what it asks takes a key where there is one. Default false. */
  page?: boolean
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
  /** Told of each request when its answer has ended; of `/health`, `/ready` and `/metrics` only where they fail. */
  onRequest?: ((entry: RequestLogEntry) => void) | undefined
  /** Told of errors that are the server's. */
  onError?: (error: unknown) => void
  /** Breaks off what comes before `ready`. */
  signal?: AbortSignal | undefined
}

export interface OutriderServer {
  /** The routes, to be mounted: `yours.route('/ai', server.app)`. */
  app: Hono
  /** `/metrics`, `/health` and `/ready` without keys: for a port that clients do not reach. */
  operatorApp: Hono
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
 * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens; INVALID_ARGUMENT for keys that are empty or the same, or a bound of
 *   memory that is none
 */
export function createServer({
  name = 'model',
  concurrency = 16,
  prefixCacheBytes = defaultPrefixBytes,
  sharePrefixes = false,
  queueLimit = 128,
  maxLogprobs = 20,
  maxChoices = 16,
  loopbackOnly = false,
  corsOrigins = [],
  page = false,
  maxBodyBytes = 1 << 20,
  stallMilliseconds = 60_000,
  headMilliseconds = 3000,
  commentMilliseconds = 15_000,
  graceMilliseconds = 5000,
  onError = () => {},
  ...options
}: ServerOptions): OutriderServer {
  const { target, drafter, verification = 'block' } = options
  const keys = keysOf(options)
  const { device } = target.model
  // Of any draft length, for requests may ask for theirs.
  const decoder = drafter && new SpeculativeDecoder({ target, drafter, draftStop: options.draftStop, verification })
  const { longest } = new ContinuousBatch(target)
  const contextLength = Math.min(options.contextLength ?? longest, longest)
  const prefixes = prefixCacheBytes === 0 ? undefined : new PrefixCache({ maxBytes: prefixCacheBytes })
  const metrics = new ServerMetrics({ model: name, device, longestDraft: drafter ? maxDraftLength : 0, prefixes })
  const closing = new AbortController()
  const signal = AbortSignal.any([closing.signal, ...(options.signal ? [options.signal] : [])])
  const preparing = prepareDecoding({
    ...options,
    decoder,
    verification,
    concurrency,
    prefixes,
    signal,
    onDraft: metrics.drafted.bind(metrics),
  })
  const decoding = preparing.then(({ decoding }) => decoding)
  const engine = new Engine({ decoding, concurrency, queueLimit, metrics })
  const ready = preparing.then(() => {})
  for (const promise of [decoding, ready]) promise.catch(() => {}) // who does not wait for it hears of it by the requests
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
    ready,
    keys,
    sharePrefixes,
    loopbackOnly,
    corsOrigins,
    page,
    maxBodyBytes,
    stallMilliseconds,
    headMilliseconds,
    commentMilliseconds,
    onRequest: options.onRequest,
    onError,
  })
  if (keys) metrics.openByKey = () => keys.open
  return {
    app,
    operatorApp: buildOperatorApp({ engine, metrics, ready }),
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
      const prepared = await preparing.catch(() => undefined)
      prepared?.dispose()
      prefixes?.dispose()
    },
  }
}

function keysOf({ apiKey, apiKeys, requestsPerKey = Number.POSITIVE_INFINITY }: KeyOptions): Keys | undefined {
  const keys = { ...apiKeys, ...(apiKey !== undefined && { default: apiKey }) }
  return Object.keys(keys).length > 0 ? new Keys({ keys, requestsPerKey }) : undefined
}

type KeyOptions = Pick<ServerOptions, 'apiKey' | 'apiKeys' | 'requestsPerKey'>
