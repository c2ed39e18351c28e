import { OutriderError } from '@outrider/tensor'
import type { ChatMessage, PretrainedModel } from '@outrider/transformer'

/** What tokenising needs of a model. */
export type Speaker = Pick<PretrainedModel, 'tokenizer' | 'chatTemplate' | 'generationConfig' | 'config'>

/** Tokens, and which of them are to be learned. */
export interface Example {
  tokens: number[]
  /** 1 for a token that is learned to be predicted from those before it. */
  lossMask: number[]
}

/**
 * A conversation as the model's chat template writes it, with a mask of exactly the assistant's tokens and its end-of-turn.
 * Without a template, messages follow one another as they are, and the last ends with the end token.
 *
 * @param options.unlearned  answers, by their place, that are not to be learned
 * @throws OutriderError INVALID_ARGUMENT where no message is the assistant's, or the first that is to be learned, or the
 *   template rewrites earlier turns or leaves out a part of an answer
 */
export function tokenizeConversation(
  speaker: Speaker,
  messages: readonly ChatMessage[],
  { unlearned = [] }: { unlearned?: readonly number[] | undefined } = {},
): Example {
  if (!messages.some(({ role }) => role === 'assistant'))
    throw new OutriderError('INVALID_ARGUMENT', 'A conversation without an assistant’s message has nothing to learn.', {
      remedy: 'Generate the answers first, or leave the row out.',
    })
  if (speaker.chatTemplate && messages[0]!.role === 'assistant' && !unlearned.includes(0))
    throw new OutriderError('INVALID_ARGUMENT', 'The conversation begins with an answer, and nothing asks for it.', {
      remedy: 'Leave that message out, or mark it as not to be learned (weight 0).',
    })
  const tokens = encode(speaker, write(speaker, messages, false), false)
  const ends = new Set(speaker.generationConfig.eosTokenIds)
  const lossMask = tokens.map(() => 0)
  for (const [i, { role, content }] of messages.entries()) {
    if (role !== 'assistant' || unlearned.includes(i)) continue
    const before = encode(speaker, write(speaker, messages.slice(0, i), true), false)
    const written = write(speaker, messages.slice(0, i + 1), false)
    assertWhole(written, content)
    const through = encode(speaker, written, false)
    const begin = commonPrefix(tokens, before)
    let end = commonPrefix(tokens, through)
    // What a template writes after the end token (a line break, say) is not the model's.
    const stop = tokens.findIndex((id, at) => at >= begin && at < end && ends.has(id))
    if (stop >= 0) end = stop + 1
    if (begin < before.length - boundaryTokens || end <= begin)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        'The chat template writes earlier turns differently once an answer follows, so the answer cannot be told from them.',
        {
          remedy: 'Give the rows pre-tokenised, with loss_mask.',
        },
      )
    lossMask.fill(1, begin, end)
  }
  return { tokens, lossMask }
}

/**
 * A template for models that think may cut the thought from every answer. What the model is asked for has it, so it would be
 * taught another text than it gives. White space is the template's own business.
 */
function assertWhole(written: string, content: string): void {
  const bare = (text: string) => text.replace(/\s+/g, '')
  if (bare(written).includes(bare(content))) return
  const short = content.length > 80 ? `${content.slice(0, 80)}…` : content
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `The chat template leaves out a part of the answer ${JSON.stringify(short)}, as templates do that cut thoughts from it.`,
    { remedy: 'Give answers as the template writes them, or rows pre-tokenised, with loss_mask.' },
  )
}

/** The prompt that an answer to these messages would follow. */
export function promptOf(speaker: Speaker, messages: readonly ChatMessage[]): number[] {
  return encode(speaker, write(speaker, messages, true), true)
}

/** Tokens at the end of a prompt that may change when text follows: an end token, and a piece that merges with the answer. */
const boundaryTokens = 3

function write({ chatTemplate }: Speaker, messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
  if (chatTemplate)
    return messages.length === 0 && !addGenerationPrompt ? '' : chatTemplate.render(messages, { addGenerationPrompt })
  return messages.map(({ content }) => content).join('')
}

/** With a template special tokens are the template's business; without one the tokenizer adds its own, and an answer ends. */
function encode(speaker: Speaker, text: string, prompt: boolean): number[] {
  const tokens = speaker.tokenizer.encode(text, { addSpecialTokens: !speaker.chatTemplate })
  const [end] = speaker.generationConfig.eosTokenIds
  return speaker.chatTemplate || prompt || end === undefined ? tokens : [...tokens, end]
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}
