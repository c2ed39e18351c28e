import { type ScoredPromptToken, scorePrompt } from '@outrider/transformer'
import type { Context } from 'hono'
import type { AppOptions } from './app'
import { type Client, clientOf } from './client'
import type { Engine } from './engine/engine'
import type { Ending, Job, Piece } from './engine/job'
import { type RequestRecord, recordOf } from './operators/request-record'
import type { Passes } from './passes/passes'
import type { GenerationRequest, ServedModel } from './requests/generation-request'

/** An answer on its way to who asked. */
export interface Answering {
  request: GenerationRequest
  /** Its text as it comes; over at once where nothing is generated. */
  pieces: AsyncIterable<Piece>
  /** What generates it; nothing where nothing is generated. */
  job: Job | undefined
  /** Tokens generated so far. */
  readonly tokens: number
  /** Tokens of the prompt that did not have to be read. */
  readonly cachedTokens: number
  /** How it ended, if it has. */
  readonly ending: Ending | undefined
  /** Of the prompt's tokens but the first, where they were asked for. */
  promptScores: Promise<ScoredPromptToken[]> | undefined
  /** As `Job.begun`. */
  begun(options: { withinMilliseconds: number }): Promise<boolean>
  abort(): void
}

/** What a client is answered with, until it leaves. */
export interface Asked {
  answers: Answering[]
  record: RequestRecord
  client: Client
  /** Nobody waits for them any more. */
  abort(): void
}

/**
 * Submits what a client asks for, and lets go of it when the client leaves; undefined where it has left already.
 *
 * @throws ApiError as `answerAll`
 */
export function answersFor(
  c: Context,
  requests: readonly GenerationRequest[],
  options: Pick<AppOptions, 'served' | 'engine' | 'passes' | 'sharePrefixes'>,
): Asked | undefined {
  const client = clientOf(c)
  if (client.left) return undefined
  const record = recordOf(c)
  const key = options.sharePrefixes ? undefined : record.keyName
  // A name and a salt, neither of which can pass for the other.
  const scoped = requests.map((request) => ({ ...request, prefixScope: JSON.stringify([key, request.prefixScope]) }))
  const answers = answerAll(scoped, options)
  record.answers = answers
  const abort = () => {
    for (const answer of answers) answer.abort()
  }
  client.onLeave(() => {
    abort()
    record.leave()
  })
  return { answers, record, client, abort }
}

/** What a stream of answers does about a reader who leaves, or takes nothing; and how long it waits. */
export const streamingTo = (
  { record, client, abort }: Asked,
  { stallMilliseconds, commentMilliseconds }: Pick<AppOptions, 'stallMilliseconds' | 'commentMilliseconds'>,
) => ({
  stallMilliseconds,
  commentMilliseconds,
  onLeave(reason: 'closed' | 'stalled') {
    abort()
    record.leave()
    if (reason === 'stalled') client.drop?.()
  },
})

/**
 * Submits the requests of one body: all of them, or none.
 *
 * @throws ApiError as `Engine.submit` and `Passes.run`
 */
function answerAll(
  requests: readonly GenerationRequest[],
  places: { served: ServedModel; engine: Engine; passes: Passes },
): Answering[] {
  const answers: Answering[] = []
  try {
    for (const request of requests) answers.push(answering(request, places))
    return answers
  } catch (error) {
    for (const answer of answers) answer.abort()
    throw error
  }
}

function answering(
  request: GenerationRequest,
  { served, engine, passes }: { served: ServedModel; engine: Engine; passes: Passes },
): Answering {
  const job = request.maxTokens > 0 ? engine.submit(request) : undefined
  const leaving = new AbortController()
  const logProbabilities = request.told?.promptLogProbabilities
  const score = (signal: AbortSignal) => scorePrompt(served.target, request.prompt, { logProbabilities, signal })
  const promptScores =
    logProbabilities === undefined
      ? undefined
      : passes.run(score, leaving.signal, scoringBytes(served, request.prompt.length))
  let failure: { error: unknown } | undefined
  const scored = promptScores?.then(
    () => true,
    (error) => {
      failure = { error }
      job?.abort()
      return true
    },
  )
  return {
    request,
    job,
    pieces: job ?? nothing,
    promptScores,
    get tokens() {
      return job?.tokens ?? 0
    },
    get cachedTokens() {
      return job?.cachedTokens ?? 0
    },
    get ending() {
      return job ? job.ending : generatedNothing
    },
    async begun(options) {
      const begun = job ? await job.begun(options) : await within(options.withinMilliseconds, scored ?? true)
      if (failure) throw failure.error
      return begun
    },
    abort() {
      job?.abort()
      leaving.abort()
    },
  }
}

/** False where it is not there within so many milliseconds. */
async function within(milliseconds: number, coming: Promise<boolean> | boolean): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false)
  })
  return Promise.race([coming, over]).finally(() => clearTimeout(timer))
}

/** Keys and values of a prompt that is scored, and its logits: a piece of them, and what sums and ranks are made of. */
function scoringBytes({ target }: ServedModel, tokens: number): number {
  const { model, config } = target
  return (model.cacheBytes?.({ capacity: tokens }) ?? 0) + 6 * Math.min(8 * 2 ** 20, 1024 * config.vocabularySize)
}

const nothing: AsyncIterable<Piece> = {
  async *[Symbol.asyncIterator]() {},
}

const generatedNothing: Ending = { finishReason: 'length' }
