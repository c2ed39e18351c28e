import { OutriderError } from '@outrider/tensor'
import { chatAnswer, type EndpointAnswer } from './chat-answer'
import { type Post, RequestFailure } from './http'
import type { AskedConversation } from './openai-target'

/** Asks for an answer in the way that an engine understands. */
export type Dialect = (post: Post, asked: AskedConversation, signal?: AbortSignal) => Promise<EndpointAnswer>

/** What a request says beside the conversation. */
type Fields = (maxTokens: number) => object

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
  const open: Fields = (maxTokens) => ({
    ...{ max_tokens: maxTokens, top_k: topK ?? 0, min_p: 0, repetition_penalty: 1, return_token_ids: true },
  })
  const ways: Fields[] = [
    open,
    (maxTokens) => ({ max_tokens: maxTokens }),
    (maxTokens) => ({ max_completion_tokens: maxTokens }),
  ]
  const send = (post: Post, fields: object, signal?: AbortSignal) =>
    post(`${base}/chat/completions`, { model, ...fields }, signal)
  const dialect =
    (fields: Fields): Dialect =>
    async (post, { messages, temperature, topP, maxTokens, seed }, signal) =>
      chatAnswer(await send(post, { messages, temperature, top_p: topP, seed, ...fields(maxTokens) }, signal))
  let refused: RequestFailure | undefined
  for (const fields of ways)
    try {
      await send(post, { messages: hello, temperature: 0, top_p: 1, seed: 0, ...fields(1) }, signal)
      if (topK && fields !== open) throw noTopK(model)
      return dialect(fields)
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.kind !== 'refused') throw error
      refused = error
    }
  throw refused!
}

const hello = [{ role: 'user', content: 'Hi' }]

const noTopK = (model: string) =>
  new OutriderError('UNSUPPORTED', `The endpoint of ${model} takes no top_k.`, {
    remedy: 'Leave topK (--top-k) out: topP alone cuts the distribution.',
  })
