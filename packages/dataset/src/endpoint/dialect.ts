import { OutriderError } from '@outrider/tensor'
import { chatAnswer, type EndpointAnswer } from './chat-answer'
import { type Post, RequestFailure } from './http'
import type { AskedConversation } from './openai-target'

/** Asks for an answer in the way that an engine understands. */
export type Dialect = (post: Post, asked: AskedConversation, signal?: AbortSignal) => Promise<EndpointAnswer>

/** What a request says beside the conversation. */
type Fields = (maxTokens: number) => object

/**
 * Of engines that sample as vLLM does: ids are to be said, and nothing is added that a generation_config.json would add.
 * `repeat_penalty` is llama.cpp's name, whose servers know no other: llama-cpp-python's has 1.1 unless it is told.
 */
export const openFields =
  (topK?: number): Fields =>
  (maxTokens) => ({
    ...{ max_tokens: maxTokens, top_k: topK ?? 0, min_p: 0, return_token_ids: true },
    ...{ repetition_penalty: 1, repeat_penalty: 1 },
  })

/** What OpenAI's newer models take, and nothing else. */
export const openAiFields: Fields = (maxTokens) => ({ max_completion_tokens: maxTokens })

/** The body of a request. */
export const bodyOf = (
  model: string,
  { messages, temperature, topP, maxTokens, seed }: Omit<AskedConversation, 'id'>,
  fields: Fields,
): object => ({ model, messages, temperature, top_p: topP, seed, ...fields(maxTokens) })

/**
 * Finds out by asking for one token what the engine takes: engines that sample as vLLM does are told to say ids, and to leave
 * out what a generation_config.json would add; OpenAI refuses these fields by name, and its newer models `max_tokens`.
 *
 * @throws RequestFailure where it takes none of these
 * @throws OutriderError UNSUPPORTED where topK is asked for of an engine that knows none
 */
export async function dialectOf(
  { post, base, model, topK }: { post: Post; base: string; model: string; topK: number | undefined },
  signal?: AbortSignal,
): Promise<Dialect> {
  const open = openFields(topK)
  const ways: Fields[] = [open, (maxTokens) => ({ max_tokens: maxTokens }), openAiFields]
  const send = (post: Post, body: object, signal?: AbortSignal) => post(`${base}/chat/completions`, body, signal)
  const dialect =
    (fields: Fields): Dialect =>
    async (post, asked, signal) =>
      chatAnswer(await send(post, bodyOf(model, asked, fields), signal))
  let refused: RequestFailure | undefined
  for (const fields of ways)
    try {
      await send(post, bodyOf(model, hello, fields), signal)
      if (topK && fields !== open) throw noTopK(model)
      return dialect(fields)
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.kind !== 'refused') throw error
      refused = error
    }
  throw refused!
}

const hello = { messages: [{ role: 'user', content: 'Hi' }], temperature: 0, topP: 1, maxTokens: 1, seed: 0 }

const noTopK = (model: string) =>
  new OutriderError('UNSUPPORTED', `The endpoint of ${model} takes no top_k.`, {
    remedy: 'Leave topK (--top-k) out: topP alone cuts the distribution.',
  })
