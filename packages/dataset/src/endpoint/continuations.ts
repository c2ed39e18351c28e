import { OutriderError } from '@outrider/tensor'
import type { FinishReason } from '@outrider/transformer'
import { countIn, idsIn, object } from './chat-answer'
import { type Post, RequestFailure } from './http'

/** A beginning, as ids, that a target elsewhere is to go on from. */
export interface AskedContinuation {
  prompt: readonly number[]
  temperature: number
  topP: number
  topK?: number | undefined
  maxTokens: number
  seed: number
  /** Texts, and ids, any of which ends it. */
  stop: readonly string[]
  endIds: readonly number[]
}

/** What it went on with. */
export interface Continuation {
  text: string
  finishReason: FinishReason
  /** Where the engine says ids, and one that ends it is among them: those before it. The text may go on behind that. */
  tokens: number[] | undefined
  usage: { prompt: number; completion: number }
}

/** A target elsewhere that goes on from ids: what lets it write instructions itself. */
export interface ContinuingTarget {
  readonly kind: 'endpoint'
  /** The model's name there. */
  readonly model: string
  /** For people to read. */
  readonly source: string
  /**
   * Goes on from each of these, in the order in which they end.
   *
   * @throws OutriderError UNSUPPORTED where the engine takes no ids for a prompt
   */
  continuations<T extends AskedContinuation>(
    asked: readonly T[],
    options: { concurrency: number; signal?: AbortSignal | undefined },
  ): AsyncGenerator<Continued<T>, void, undefined>
}

/** A continuation, or why there is none. */
export type Continued<T> = { request: T } & (
  | { answer: Continuation; failure?: undefined }
  | { answer?: undefined; failure: string }
)

/** Asks for a continuation in the way that an engine understands. */
export type Continue = (post: Post, asked: AskedContinuation, signal?: AbortSignal) => Promise<Continuation>

/**
 * Finds out by asking for one token how an engine is asked to go on from ids, by `/completions`: with the ids that end it
 * (`stop_token_ids` of vLLM), or by its own ends alone. What it says behind one of these ids, where it says ids, is cut off here.
 *
 * @throws OutriderError UNSUPPORTED where it takes no ids for a prompt
 */
export async function continuationsOf(
  { post, base, model }: { post: Post; base: string; model: string },
  example: AskedContinuation,
  signal?: AbortSignal,
): Promise<Continue> {
  const send = async (post: Post, asked: AskedContinuation, fields: object, signal?: AbortSignal) => {
    const { prompt, temperature, topP, topK, maxTokens, seed, stop } = asked
    const body = {
      ...{ model, prompt: [prompt], max_tokens: maxTokens, temperature, top_p: topP, seed, return_token_ids: true },
      ...(topK && { top_k: topK }),
      ...(stop.length > 0 && { stop }),
    }
    return continuation(await post(`${base}/completions`, { ...body, ...fields }, signal), asked.endIds)
  }
  let refused: RequestFailure | undefined
  for (const byIds of [true, false])
    try {
      const fieldsOf = ({ endIds }: AskedContinuation) => (byIds ? { stop_token_ids: endIds } : {})
      await send(post, { ...example, maxTokens: 1 }, fieldsOf(example), signal)
      return (post, asked, signal) => send(post, asked, fieldsOf(asked), signal)
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.status === 401 || error.status === 403) throw error
      if (error.kind !== 'refused' && error.kind !== 'closed') throw error
      refused = error
    }
  throw new OutriderError(
    'UNSUPPORTED',
    `The endpoint of ${model} does not go on from ids (a prompt of /completions), so that it writes no instructions itself. ${refused!.message}`,
    { remedy: 'Give instructions of your own (--seeds).', cause: refused },
  )
}

function continuation(json: unknown, endIds: readonly number[]): Continuation {
  const { choices, usage } = object(json)
  const { text, finish_reason, token_ids } = object(Array.isArray(choices) ? choices[0] : undefined)
  if (typeof text !== 'string' || (finish_reason !== 'stop' && finish_reason !== 'length'))
    throw new RequestFailure('It answered with no completion.', 'broken')
  const ids = idsIn(token_ids)
  const end = ids?.findIndex((id) => endIds.includes(id)) ?? -1
  const { prompt_tokens, completion_tokens } = object(usage)
  return {
    text,
    finishReason: end >= 0 ? 'stop' : finish_reason,
    tokens: end >= 0 ? ids!.slice(0, end) : undefined,
    usage: { prompt: countIn(prompt_tokens, undefined), completion: countIn(completion_tokens, ids) },
  }
}
