import { type ChatMessage, fitConversation, type PretrainedModel, promptTokens } from '@outrider/transformer'

/** What is needed of a model: not its weights. */
export type PromptTarget = Pick<PretrainedModel, 'tokenizer' | 'chatTemplate' | 'config' | 'source'>

/** A conversation as the model reads it. */
export interface FittedPrompt {
  ids: number[]
  /** Messages at its beginning that no longer fit into the context, a system message aside. */
  leftOut: number
}

/**
 * The conversation's ids with room for an answer. What does not fit is left out from the oldest exchange on; system message
 * and last message stay. A model without chat template continues the texts as one.
 *
 * @throws OutriderError CONTEXT_OVERFLOW when even the last message does not fit
 */
export function fitPrompt(target: PromptTarget, messages: readonly ChatMessage[], room: number): FittedPrompt {
  const { contextLength } = target.config
  // A short context keeps half of itself for what was said before.
  const limit = contextLength - Math.min(room, Math.floor(contextLength / 2))
  const { prompt, leftOut } = fitConversation(messages, (kept) => encoded(target, kept), { limit })
  return { ids: promptTokens(target, prompt), leftOut }
}

function encoded({ tokenizer, chatTemplate }: PromptTarget, messages: readonly ChatMessage[]): number[] {
  if (!chatTemplate) return tokenizer.encode(messages.map(({ content }) => content).join(''))
  return tokenizer.encode(chatTemplate.render(messages, { addGenerationPrompt: true }), { addSpecialTokens: false })
}
