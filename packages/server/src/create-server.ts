import { maxDraftLength, SpeculativeDecoder } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { ContinuousBatch, defaultPrefixBytes, PrefixCache } from '@outrider/transformer'
import type { Hono } from 'hono'
import { toApiError } from './api-error'
import { buildApp, buildOperatorApp } from './app'
import { DraftChanges } from './drafts/draft-changes'
import { modelsOf } from './drafts/served-draft'
import { Engine } from './engine/engine'
import { decodingPreparer, type Preparation, type PreparedDecoding } from './engine/prepare-decoding'
import { SuccessiveDecodings } from './engine/successive-decodings'
import { MemoryBudget } from './memory/memory-budget'
import { type ServerFigures, ServerMetrics } from './metrics/server-metrics'
import { Keys } from './operators/keys'
import { Passes } from './passes/passes'
import { oneAtATime } from './requests/one-at-a-time'
import type { ServerOptions } from './server-options'

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
 * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens; INVALID_ARGUMENT for keys that are empty or the same, a bound of
 *   memory that is none, or drafts that could be changed without a key, or by one that there is not
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
  const draftKeys = draftKeysOf(options, keys)
  const { device } = target.model
  const draft = drafter && {
    name: options.draftName ?? 'draft',
    drafter,
    reproducibleDrafter: options.reproducibleDrafter,
  }
  // Of any draft length, for requests may ask for theirs: a draft that does not fit is refused now.
  if (draft) new SpeculativeDecoder({ target, drafter: draft.drafter, draftStop: options.draftStop, verification })
  const { longest } = new ContinuousBatch(target)
  const contextLength = Math.min(options.contextLength ?? longest, longest)
  const prefixes = prefixCacheBytes === 0 ? undefined : new PrefixCache({ maxBytes: prefixCacheBytes })
  const mayDraft = drafter !== undefined || options.loadDraft !== undefined
  const metrics = new ServerMetrics({
    model: name,
    device,
    longestDraft: mayDraft ? maxDraftLength : 0,
    prefixes,
    maxMemoryBytes: options.maxMemoryBytes,
  })
  const closing = new AbortController()
  const signal = AbortSignal.any([closing.signal, ...(options.signal ? [options.signal] : [])])
  const inTurn = oneAtATime()
  const maxBytes = options.maxMemoryBytes
  if (maxBytes !== undefined && !(maxBytes > 0))
    throw new OutriderError('INVALID_ARGUMENT', `maxMemoryBytes is ${maxBytes}; it must be a number of bytes.`)
  const budget = maxBytes === undefined ? undefined : new MemoryBudget({ device, maxBytes, prefixes })
  const preparer = decodingPreparer({
    ...options,
    verification,
    concurrency,
    prefixes,
    inTurn,
    budget,
    contextLength,
    onDraft: metrics.drafted.bind(metrics),
  })
  /** The draft is the decoding's, with what is kept of prompts for it: they end with it, or at once where it comes to nothing. */
  const prepare = async ({ draft, ...preparation }: Preparation): Promise<PreparedDecoding> => {
    const dispose = () => {
      for (const model of draft ? modelsOf(draft.drafter) : []) prefixes?.forget(model)
      draft?.dispose()
    }
    try {
      const prepared = await preparer({ draft, ...preparation })
      return {
        decoding: prepared.decoding,
        dispose() {
          prepared.dispose()
          dispose()
        },
      }
    } catch (error) {
      dispose()
      throw error
    }
  }
  let runs = false
  // Of a server that did not come to run, or ends, the models are the caller's.
  const first = draft && {
    ...draft,
    dispose() {
      if (runs && !closing.signal.aborted) options.onDraftUnused?.()
    },
  }
  const decoding = prepare({ draft: first, onWarmUp: options.onWarmUp, signal }).then((prepared) => {
    runs = true
    return new SuccessiveDecodings(prepared, inTurn, () => budget?.observeIdle())
  })
  const drafts = new DraftChanges({
    ...{ draft, load: options.loadDraft, prepare, decodings: decoding, closing: closing.signal },
    limitMilliseconds: options.draftChangeMilliseconds ?? 600_000,
    onChange: (change) => options.onDraftChange?.(change),
  })
  metrics.draft = () => drafts
  const engine = new Engine({ decoding, concurrency, queueLimit, metrics })
  const ready = decoding.then(() => {})
  for (const promise of [decoding, ready]) promise.catch(() => {}) // who does not wait for it hears of it by the requests
  const passes = new Passes({
    ready,
    queueLimit,
    closed: () => engine.closed,
    room: budget && roomFor(budget, () => engine.running),
  })
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
      get hasDraft() {
        return drafts.draft !== null
      },
    },
    engine,
    passes,
    metrics,
    ready,
    keys,
    drafts,
    draftKeys,
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
      await Promise.all([engine.drain(), passes.drain(), drafts.settled()])
      clearTimeout(overdue)
      const decodings = await decoding.catch(() => undefined)
      decodings?.dispose()
      prefixes?.dispose()
    },
  }
}

/** Waits until there is room for a pass over a text that takes so much beside it, or nobody is there to wait for; then that is set aside. */
const roomFor = (budget: MemoryBudget, running: () => number) => async (bytes: number, signal: AbortSignal) => {
  const all = bytes + budget.passBytes
  while (!budget.makeRoom(all) && running() > 0 && !signal.aborted)
    await new Promise((resolve) => setTimeout(resolve, 20))
  return budget.borrow(all)
}

function keysOf({ apiKey, apiKeys, requestsPerKey = Number.POSITIVE_INFINITY }: KeyOptions): Keys | undefined {
  const keys = { ...apiKeys, ...(apiKey !== undefined && { default: apiKey }) }
  return Object.keys(keys).length > 0 ? new Keys({ keys, requestsPerKey }) : undefined
}

/** @throws OutriderError INVALID_ARGUMENT */
function draftKeysOf({ loadDraft, draftKeys }: Pick<ServerOptions, 'loadDraft' | 'draftKeys'>, keys: Keys | undefined) {
  if (loadDraft && !keys)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      'Drafts may be changed while the server runs, and it asks for no key.',
      {
        remedy: 'Set an API key.',
      },
    )
  const names = [...(keys?.open.keys() ?? [])]
  const unknown = draftKeys?.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `There is no API key of the name "${unknown}", which is to change drafts.`,
      {
        remedy: `The names are ${names.join(', ') || 'none'}.`,
      },
    )
  return draftKeys ?? (names.length === 1 ? names : [])
}

type KeyOptions = Pick<ServerOptions, 'apiKey' | 'apiKeys' | 'requestsPerKey'>
