import { OutriderError } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import type { PretrainedModel } from '../pretrained/index'
import type { ChatMessage } from '../tokenizer/index'

/** A text to continue, a conversation to answer, or token ids. */
export type Prompt = string | readonly ChatMessage[] | readonly number[]

/**
 * The token ids of a prompt: a text with its beginning-of-sequence token, a conversation through the chat template with the
 * assistant's opening, ids as they are.
 *
 * @throws OutriderError INVALID_ARGUMENT for an empty prompt, an id the model does not have, or a conversation for a model
 *   without chat template; CONTEXT_OVERFLOW for a prompt that leaves no room for an answer
 */
export function promptTokens(
  pretrained: Pick<PretrainedModel, 'tokenizer' | 'chatTemplate' | 'config' | 'source'>,
  prompt: Prompt,
): number[] {
  const ids = encode(pretrained, prompt)
  checkPrompt(pretrained.config, ids)
  return ids
}

function encode({ tokenizer, chatTemplate, source }: Parameters<typeof promptTokens>[0], prompt: Prompt): number[] {
  if (typeof prompt === 'string') return tokenizer.encode(prompt)
  if (isTokens(prompt)) return [...prompt]
  if (chatTemplate)
    return tokenizer.encode(chatTemplate.render(prompt, { addGenerationPrompt: true }), { addSpecialTokens: false })
  throw new OutriderError('INVALID_ARGUMENT', `${source} has no chat template, so it cannot be given a conversation.`, {
    remedy: 'Give the prompt as a text, or use a chat-tuned model.',
  })
}

const isTokens = (prompt: readonly ChatMessage[] | readonly number[]): prompt is readonly number[] =>
  prompt.length === 0 || typeof prompt[0] === 'number'

/** Checks that ids are a prompt the model can answer. */
export function checkPrompt({ vocabularySize, contextLength }: ModelConfig, ids: readonly number[]): void {
  if (ids.length === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'The prompt is empty: it has no token to continue from.', {
      remedy: 'Give it some text; models with a beginning-of-sequence token also continue from that alone.',
    })
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize)
  if (wrong !== undefined)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `The prompt has token ${wrong}; the model's vocabulary has ids from 0 to ${vocabularySize - 1}.`,
    )
  if (ids.length >= contextLength)
    throw new OutriderError(
      'CONTEXT_OVERFLOW',
      `The prompt has ${ids.length} tokens; the model's context is ${contextLength}, prompt and answer together.`,
      {
        remedy: 'Shorten the prompt.',
        details: { promptTokens: ids.length, contextLength },
      },
    )
}
