import type { ChatMessage } from '../tokenizer/index'

/** A conversation without what no longer fits. */
export interface FittedConversation<Encoded> {
  /** What `encode` made of the messages that are left. */
  prompt: Encoded
  /** Messages left out at its beginning, system messages aside. */
  leftOut: number
}

/**
 * Leaves the oldest exchanges of a conversation out, a question and its answer at a time, until what is left has at most
 * `limit` tokens, or is the last exchange. System messages stay. The last exchange may be longer than the limit.
 *
 * @param encode  messages as a prompt, whose length counts
 * @param options.limit  the most tokens: the context less the room for an answer
 * @param options.leftOut  messages that were left out before, and stay so. Default 0
 */
export function fitConversation<Encoded extends { readonly length: number }>(
  messages: readonly ChatMessage[],
  encode: (messages: ChatMessage[]) => Encoded,
  { limit, leftOut = 0 }: { limit: number; leftOut?: number },
): FittedConversation<Encoded> {
  const opening = messages.filter(({ role }) => role === 'system')
  const spoken = messages.filter(({ role }) => role !== 'system')
  for (let left = leftOut; ; left += 2) {
    const prompt = encode([...opening, ...spoken.slice(left)])
    if (prompt.length <= limit || left + 2 >= spoken.length) return { prompt, leftOut: left }
  }
}
