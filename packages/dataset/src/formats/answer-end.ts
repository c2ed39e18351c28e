import { isAbsent, type Json, malformed } from './fields'

/** Under which names generated rows say why an answer ended: OpenAI, vLLM, TGI and ours; Anthropic and vLLM; Ollama. */
export const endKeys = ['finish_reason', 'stop_reason', 'done_reason'] as const

/**
 * Whether an answer was cut: the model did not say its end, so no end token is to be learned after it. A text that stopped
 * it (TGI and Anthropic: `stop_sequence`; vLLM: that text itself as `stop_reason`) is not the model's end either.
 *
 * @param said   the row, or the message
 * @param where  its place, for the error
 * @throws OutriderError FILE_FORMAT for a reason that nobody knows
 */
export function wasCut(said: Json, where: string): boolean {
  return endKeys.some((key) => {
    const reason = said[key]
    if (isAbsent(reason) || reason === '') return false
    if (key === 'stop_reason' && typeof reason === 'number') return false // vLLM: the token that ended it
    const known = typeof reason === 'string' ? reason.toLowerCase() : ''
    if (ended.includes(known)) return false
    if (cut.includes(known) || (key === 'stop_reason' && known !== '')) return true
    throw malformed(where, `${key} is ${JSON.stringify(reason)}, and it is not known whether the answer was cut`)
  })
}

const ended = ['stop', 'eos', 'eos_token', 'end_turn']
const cut = [
  'length',
  'max_tokens',
  'max_length',
  'model_length',
  'model_context_window_exceeded',
  'stop_sequence',
].concat(['content_filter', 'safety', 'refusal', 'abort', 'cancelled', 'error', 'timeout'])
