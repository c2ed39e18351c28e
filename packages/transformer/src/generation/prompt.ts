import { OutriderError } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
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
export function promptTokens(pretrained: Prompted, prompt: Prompt): number[] {
  const written = writtenPrompt(pretrained, prompt)
  return checked(pretrained, 'ids' in written ? written.ids : pretrained.tokenizer.encode(written.text, written))
}

/**
 * As `promptTokens`, with pauses while a long prompt is encoded (`Tokenizer.encodeInSlices`): for a server, or a page.
 *
 * @param options.tools  functions that the chat template tells the model of
 * @throws OutriderError as `promptTokens`
 */
export async function promptTokensInSlices(
  pretrained: Prompted,
  prompt: Prompt,
  { tools }: { tools?: readonly object[] | undefined } = {},
): Promise<number[]> {
  const written = writtenPrompt(pretrained, prompt, tools)
  return checked(
    pretrained,
    'ids' in written ? written.ids : await pretrained.tokenizer.encodeInSlices(written.text, written),
  )
}

type Prompted = Pick<PretrainedModel<CausalLM>, 'tokenizer' | 'chatTemplate' | 'config' | 'source'>

type WrittenPrompt = { ids: number[] } | { text: string; addSpecialTokens: boolean }

function writtenPrompt({ chatTemplate, source }: Prompted, prompt: Prompt, tools?: readonly object[]): WrittenPrompt {
  if (typeof prompt === 'string') return { text: prompt, addSpecialTokens: true }
  if (isTokens(prompt)) return { ids: [...prompt] }
  if (chatTemplate)
    return { text: chatTemplate.render(prompt, { addGenerationPrompt: true, tools }), addSpecialTokens: false }
  throw new OutriderError('INVALID_ARGUMENT', `${source} has no chat template, so it cannot be given a conversation.`, {
    remedy: 'Give the prompt as a text, or use a chat-tuned model.',
  })
}

function checked({ config }: Prompted, ids: number[]): number[] {
  checkPrompt(config, ids)
  return ids
}

const isTokens = (prompt: readonly ChatMessage[] | readonly number[]): prompt is readonly number[] =>
  prompt.length === 0 || typeof prompt[0] === 'number'

/** Checks that ids are a prompt the model can answer. */
export function checkPrompt({ vocabularySize, contextLength }: CausalLM['config'], ids: readonly number[]): void {
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
