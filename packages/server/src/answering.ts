import { type ScoredPromptToken, scorePrompt } from '@outrider/transformer'
import type { Engine } from './engine/engine'
import type { Ending, Piece } from './engine/job'
import type { Passes } from './passes/passes'
import type { GenerationRequest, ServedModel } from './requests/generation-request'

/** An answer on its way to who asked. */
export interface Answering {
  request: GenerationRequest
  /** Its text as it comes; over at once where nothing is generated. */
  pieces: AsyncIterable<Piece>
  /** Tokens generated so far. */
  readonly tokens: number
  /** How it ended, if it has. */
  readonly ending: Ending | undefined
  /** Of the prompt's tokens but the first, where they were asked for. */
  promptScores: Promise<ScoredPromptToken[]> | undefined
  /** As `Job.begun`. */
  begun(options: { withinMilliseconds: number }): Promise<boolean>
  abort(): void
}

/**
 * Submits the requests of one body: all of them, or none.
 *
 * @throws ApiError as `Engine.submit` and `Passes.run`
 */
export function answerAll(
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
  const promptScores = logProbabilities === undefined ? undefined : passes.run(score, leaving.signal)
  // Who reads the answer hears of it, after what is generated.
  promptScores?.catch(() => job?.abort())
  return {
    request,
    pieces: job ?? nothing,
    promptScores,
    get tokens() {
      return job?.tokens ?? 0
    },
    get ending() {
      return job ? job.ending : generatedNothing
    },
    begun: async (options) => job?.begun(options) ?? true,
    abort() {
      job?.abort()
      leaving.abort()
    },
  }
}

const nothing: AsyncIterable<Piece> = {
  async *[Symbol.asyncIterator]() {},
}

const generatedNothing: Ending = { finishReason: 'length' }
