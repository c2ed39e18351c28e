import { type ErrorCode, OutriderError } from '@outrider/tensor'
import { type Post, RequestFailure } from './http'
import { Pace } from './pace'
import { sideBySide } from './side-by-side'
import { sleep } from './sleep'

/** How often, and how soon, what fails in passing is asked again. */
export interface Retrying {
  retries: number
  backoffSeconds: number
}

/** An engine that is asked at the pace that it bears. */
export class PatientAsking {
  readonly #pace: Pace
  readonly #retrying: Retrying
  /** Requests answered so far. */
  #answered = 0

  constructor(concurrency: number, retrying: Retrying) {
    this.#pace = new Pace(concurrency)
    this.#retrying = retrying
  }

  /** Posts, and again where that fails in passing. */
  post(post: Post): Post {
    return (url, body, signal) => this.#patiently(() => post(url, body, signal), signal ?? new AbortController().signal)
  }

  /**
   * Asks for each of these side by side, and gives answers as they end. What one request alone is refused for is its failure.
   *
   * @param tokensOf  tokens of an answer, by which its pace is told
   * @throws RequestFailure where nothing is answered
   */
  each<T, R>(
    requests: readonly T[],
    {
      concurrency,
      ask,
      tokensOf,
      signal,
    }: {
      concurrency: number
      ask: (request: T, signal: AbortSignal) => Promise<R>
      tokensOf: (answer: R) => number
      signal?: AbortSignal | undefined
    },
  ): AsyncGenerator<
    { request: T; answer: R; failure?: undefined } | { request: T; answer?: undefined; failure: string }
  > {
    const one = async (request: T, signal: AbortSignal) => {
      const before = this.#answered
      try {
        return { request, answer: await this.#patiently(() => ask(request, signal), signal, tokensOf) }
      } catch (error) {
        if (!(error instanceof RequestFailure) || error.kind === 'closed') throw error
        // What fails while others are answered is this request's fault.
        if (error.kind !== 'refused' && this.#answered === before) throw error
        return { request, failure: error.message }
      }
    }
    return sideBySide(requests, concurrency, one, signal)
  }

  /** Does something at the endpoint's pace, and again where it fails in passing. */
  async #patiently<R>(
    act: () => Promise<R>,
    signal: AbortSignal,
    tokensOf: (result: R) => number = () => 1,
  ): Promise<R> {
    const { retries, backoffSeconds } = this.#retrying
    for (let attempt = 0; ; attempt++) {
      const begun = await this.#pace.enter(signal)
      try {
        const result = await act()
        this.#answered++
        this.#pace.answered(begun, tokensOf(result))
        return result
      } catch (error) {
        if (!(error instanceof RequestFailure)) {
          this.#pace.leave()
          throw error
        }
        const wait = Math.min(error.retryAfterSeconds ?? 0, longestRetryAfterSeconds)
        if (error.kind === 'busy') this.#pace.tooMuch(begun, wait)
        else this.#pace.leave()
        if (error.kind === 'refused' || error.kind === 'closed' || attempt >= retries) throw error
        // Half of it by chance, so that what failed together does not come back together.
        const backoff = Math.min(longestSeconds, backoffSeconds * 2 ** attempt) * (0.5 + Math.random() / 2)
        await sleep(Math.max(wait, backoff) * 1000, signal)
      }
    }
  }
}

/** The longest that is waited, whatever the engine says. */
const longestSeconds = 60
const longestRetryAfterSeconds = 600

/** What ends a run: a failure of the engine as an error of ours, anything else as it is. */
export function asRunError(source: string, error: unknown): unknown {
  if (!(error instanceof RequestFailure)) return error
  const { message, kind, status } = error
  const isOurs = kind === 'refused' || kind === 'closed'
  const code: ErrorCode = isOurs ? 'INVALID_ARGUMENT' : 'NETWORK'
  return new OutriderError(code, `${source} gives no answers. ${message}`, {
    remedy: remedyFor(status, isOurs),
    cause: error.cause,
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
