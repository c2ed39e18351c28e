import { type ChatMessage, type PretrainedModel, promptTokens } from '@outrider/transformer'

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
  const opening = messages.filter(({ role }) => role === 'system')
  const spoken = messages.filter(({ role }) => role !== 'system')
  const { contextLength } = target.config
  // A short context keeps half of itself for what was said before.
  const most = contextLength - Math.min(room, Math.floor(contextLength / 2))
  let leftOut = 0
  for (;;) {
    const kept = [...opening, ...spoken.slice(leftOut)]
    const last = leftOut + 2 >= spoken.length
    const ids = encoded(target, kept)
    if (ids.length <= most || last) return { ids: last ? promptTokens(target, ids) : ids, leftOut }
    leftOut += 2
  }
}

function encoded({ tokenizer, chatTemplate }: PromptTarget, messages: readonly ChatMessage[]): number[] {
  if (!chatTemplate) return tokenizer.encode(messages.map(({ content }) => content).join(''))
  return tokenizer.encode(chatTemplate.render(messages, { addGenerationPrompt: true }), { addSpecialTokens: false })
}
