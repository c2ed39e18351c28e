import { OutriderError } from '@outrider/tensor'
import type { ChatMessage, Tokenizer } from '@outrider/transformer'
import type { ScoringTarget } from '../top-tokens/score-dataset'
import { asRunError, PatientAsking } from './ask-each'
import type { EndpointAnswer } from './chat-answer'
import { type ContinuingTarget, continuationsOf } from './continuations'
import { dialectOf } from './dialect'
import { addressesOf, jsonPost } from './http'
import { assertSameTokenizer } from './same-tokenizer'
import { teacherOf } from './teachers/teacher-of'

export interface OpenAiTargetOptions {
  /** What clients of OpenAI are given as base_url, `http://localhost:8000/v1` say. */
  baseUrl: string
  /** The model's name there. */
  model: string
  /** Sent as Bearer, and written nowhere. */
  apiKey?: string | undefined
  /** The target's tokenizer, where it is at hand: compared with the endpoint's before anything is asked. */
  tokenizer?: Tokenizer | undefined
  /** Seconds that an answer may take before it is asked for again. Default 600. */
  timeoutSeconds?: number | undefined
  /** How often a request is asked again that broke off, was answered by nonsense, or came at a bad time. Default 8. */
  retries?: number | undefined
  /** Seconds before the first of these; every further one waits twice as long, 60 at most. Default 1. */
  backoffSeconds?: number | undefined
  /** Default the platform's. */
  fetch?: typeof fetch | undefined
}

/** A target that lives elsewhere, behind OpenAI's API. */
export interface EndpointTarget {
  readonly kind: 'endpoint'
  /** The model's name there: rows are known by it, wherever it is served. */
  readonly model: string
  /** For people to read; without the key. */
  readonly source: string
  /**
   * Answers conversations, in the order in which they end.
   *
   * @param options.concurrency  the most under way at once
   * @param options.isRow        whether an id is of a row of the dataset, be it asked for or there already
   * @throws OutriderError INVALID_ARGUMENT, NETWORK where the endpoint answers nothing of the kind; VOCABULARY_MISMATCH;
   *   what the signal was aborted with
   */
  answers<T extends AskedConversation>(
    asked: readonly T[],
    options: {
      topK?: number | undefined
      concurrency: number
      signal?: AbortSignal | undefined
      isRow?: ((id: string) => boolean) | undefined
    },
  ): AsyncGenerator<ConversationAnswered<T>, void, undefined>
}

export interface AskedConversation {
  /** Of its row, a hash of what is asked. */
  id: string
  messages: readonly ChatMessage[]
  temperature: number
  topP: number
  maxTokens: number
  seed: number
}

/** An answer, or why there is none for this conversation. */
export type ConversationAnswered<T> = { request: T } & (
  | { answer: EndpointAnswer; failure?: undefined }
  | { answer?: undefined; failure: string }
)

/**
 * A model behind any server that speaks OpenAI's chat completions: vLLM, SGLang, llama.cpp's, `outrider serve`, a hosted one.
 * What the engine takes beside OpenAI's fields is found by asking it once. Requests that fail in passing are asked again, later
 * each time and no sooner than `Retry-After`, and how many are under way follows what the engine bears.
 *
 * @throws OutriderError INVALID_ARGUMENT for what is no address, or no key
 */
export function openAiTarget(options: OpenAiTargetOptions): EndpointTarget & ScoringTarget & ContinuingTarget {
  const { model, apiKey, tokenizer, timeoutSeconds = 600, retries = 8, backoffSeconds = 1 } = options
  assertKey(apiKey)
  const addresses = addressesOf(options.baseUrl)
  const post = jsonPost({ apiKey, timeoutSeconds, fetch: options.fetch ?? fetch })
  const source = `${model} at ${addresses.base}`
  /** @param prepare  finds out how the engine is asked, by asking it */
  async function* patiently<T, R>(
    requests: readonly T[],
    { concurrency, signal }: { concurrency: number; signal?: AbortSignal | undefined },
    prepare: (asking: PatientAsking) => Promise<(request: T, signal: AbortSignal) => Promise<R>>,
    tokensOf: (answer: R) => number,
  ) {
    const asking = new PatientAsking(concurrency, { retries, backoffSeconds })
    try {
      const ask = await prepare(asking)
      if (tokenizer) await assertSameTokenizer({ post: asking.post(post), ...addresses, model, tokenizer }, signal)
      yield* asking.each(requests, { concurrency, ask, tokensOf, signal })
    } catch (error) {
      throw asRunError(source, error)
    }
  }
  return {
    kind: 'endpoint',
    model,
    source,
    async *answers(asked, { topK, concurrency, signal }) {
      const prepare = async (asking: PatientAsking) => {
        const dialect = await dialectOf({ post: asking.post(post), base: addresses.base, model, topK }, signal)
        return (request: (typeof asked)[number], signal: AbortSignal) => dialect(post, request, signal)
      }
      yield* patiently(asked, { concurrency, signal }, prepare, ({ usage }) => usage.completion)
    },
    async *continuations(asked, { concurrency, signal }) {
      if (asked.length === 0) return
      const prepare = async (asking: PatientAsking) => {
        const go = await continuationsOf({ post: asking.post(post), base: addresses.base, model }, asked[0]!, signal)
        return (request: (typeof asked)[number], signal: AbortSignal) => go(post, request, signal)
      }
      yield* patiently(asked, { concurrency, signal }, prepare, ({ usage }) => usage.completion)
    },
    async *topTokens(rows, { k, concurrency, signal }) {
      if (rows.length === 0) return
      const about = { ...addresses, model, k, tokenizer }
      const prepare = async (asking: PatientAsking) => {
        const teacher = await teacherOf(post, asking, about, rows[0]!, signal)
        return (row: (typeof rows)[number], signal: AbortSignal) => teacher.topTokens(post, about, row, signal)
      }
      yield* patiently(rows, { concurrency, signal }, prepare, ({ logRest }) => logRest.length)
    },
  }
}

/** A header takes no other; and the platform's error would say the key. */
function assertKey(apiKey: string | undefined): void {
  if (apiKey === undefined || /^[\x21-\x7e]+$/.test(apiKey)) return
  throw new OutriderError(
    'INVALID_ARGUMENT',
    'The key of the endpoint is empty, or has spaces or letters that no key has.',
    {
      remedy: 'Give the key alone, on one line if it is in a file.',
    },
  )
}
