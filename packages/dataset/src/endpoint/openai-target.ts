import { type ErrorCode, OutriderError } from '@outrider/tensor'
import type { ChatMessage, Tokenizer } from '@outrider/transformer'
import type { EndpointAnswer } from './chat-answer'
import { type Dialect, dialectOf } from './dialect'
import { addressesOf, jsonPost, type Post, RequestFailure } from './http'
import { Pace } from './pace'
import { assertSameTokenizer } from './same-tokenizer'
import { sideBySide } from './side-by-side'
import { sleep } from './sleep'

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
export function openAiTarget(options: OpenAiTargetOptions): EndpointTarget {
  const { model, apiKey, tokenizer, timeoutSeconds = 600, retries = 8, backoffSeconds = 1 } = options
  assertKey(apiKey)
  const addresses = addressesOf(options.baseUrl)
  const post = jsonPost({ apiKey, timeoutSeconds, fetch: options.fetch ?? fetch })
  const source = `${model} at ${addresses.base}`
  return {
    kind: 'endpoint',
    model,
    source,
    async *answers(asked, { topK, concurrency, signal }) {
      const pace = new Pace(concurrency)
      const patience = { pace, retries, backoffSeconds, answered: 0 }
      const patient = (post: Post) => (url: string, body: object, signal?: AbortSignal) =>
        patiently(() => post(url, body, signal), patience, signal ?? new AbortController().signal)
      let dialect: Dialect
      try {
        dialect = await dialectOf({ post: patient(post), base: addresses.base, model, topK }, signal)
        if (tokenizer) await assertSameTokenizer({ post: patient(post), ...addresses, model, tokenizer }, signal)
      } catch (error) {
        throw error instanceof RequestFailure ? unreachable(source, error) : error
      }
      const answerOne = async (request: (typeof asked)[number], signal: AbortSignal) => {
        const before = patience.answered
        try {
          const ask = () => dialect(post, request, signal)
          return { request, answer: await patiently(ask, patience, signal, ({ usage }) => usage.completion) }
        } catch (error) {
          if (!(error instanceof RequestFailure) || error.kind === 'closed') throw error
          // What fails while others are answered is this request's fault.
          if (error.kind !== 'refused' && patience.answered === before) throw error
          return { request, failure: error.message }
        }
      }
      try {
        yield* sideBySide(asked, concurrency, answerOne, signal)
      } catch (error) {
        throw error instanceof RequestFailure ? unreachable(source, error) : error
      }
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

interface Patience {
  pace: Pace
  retries: number
  backoffSeconds: number
  /** Requests answered so far. */
  answered: number
}

/** The longest that is waited, whatever the engine says. */
const longestSeconds = 60
const longestRetryAfterSeconds = 600

/** Does something at the endpoint's pace, and again where it fails in passing. */
async function patiently<R>(
  act: () => Promise<R>,
  patience: Patience,
  signal: AbortSignal,
  tokensOf: (result: R) => number = () => 1,
): Promise<R> {
  const { pace, retries, backoffSeconds } = patience
  for (let attempt = 0; ; attempt++) {
    const begun = await pace.enter(signal)
    try {
      const result = await act()
      patience.answered++
      pace.answered(begun, tokensOf(result))
      return result
    } catch (error) {
      if (!(error instanceof RequestFailure)) {
        pace.leave()
        throw error
      }
      const wait = Math.min(error.retryAfterSeconds ?? 0, longestRetryAfterSeconds)
      if (error.kind === 'busy') pace.tooMuch(begun, wait)
      else pace.leave()
      if (error.kind === 'refused' || error.kind === 'closed' || attempt >= retries) throw error
      // Half of it by chance, so that what failed together does not come back together.
      const backoff = Math.min(longestSeconds, backoffSeconds * 2 ** attempt) * (0.5 + Math.random() / 2)
      await sleep(Math.max(wait, backoff) * 1000, signal)
    }
  }
}

/** What ends a run. */
function unreachable(source: string, { message, kind, status, cause }: RequestFailure): OutriderError {
  const isOurs = kind === 'refused' || kind === 'closed'
  const code: ErrorCode = isOurs ? 'INVALID_ARGUMENT' : 'NETWORK'
  return new OutriderError(code, `${source} gives no answers. ${message}`, {
    remedy: remedyFor(status, isOurs),
    cause,
    details: { status },
  })
}

function remedyFor(status: number | undefined, isOurs: boolean): string {
  if (status === 401 || status === 403) return 'Give a key that it takes (apiKey, --api-key-file, OUTRIDER_API_KEY).'
  if (status === 404)
    return "Look whether the address ends where /chat/completions follows, and the model's name is one of /models."
  return isOurs
    ? 'Ask for what it takes.'
    : 'See that it runs and answers; the same run goes on from the rows that are written.'
}
