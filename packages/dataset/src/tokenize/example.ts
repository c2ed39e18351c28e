import { OutriderError } from '@outrider/tensor'
import type { CausalLM, ChatMessage, PretrainedModel } from '@outrider/transformer'
import type { ConversationRow } from '../formats/row'

/** What tokenising needs of a model. */
export type Speaker = Pick<PretrainedModel<CausalLM>, 'tokenizer' | 'chatTemplate' | 'generationConfig' | 'config'>

/** Tokens, and which of them are to be learned. */
export interface Example {
  tokens: number[]
  /** 1 for a token that is learned to be predicted from those before it. */
  lossMask: number[]
}

/** What a row says of its answers beside their texts. */
export type AnswersSaid = Pick<ConversationRow, 'unlearned' | 'cut' | 'answerIds'>

/**
 * A conversation as the model's chat template writes it, with a mask of exactly the assistant's tokens and its end-of-turn.
 * Without a template, messages follow one another as they are, and the last ends with the end token. The tokens of an answer
 * that was cut end with its text; those of the last answer are the ones that the model said, where the row keeps them.
 *
 * @param said  answers, by their place, that are not to be learned (`unlearned`), or were cut, so that no end is learned after
 *   them (`cut`); and the tokens of the last answer, which are then not made from its text (`answerIds`)
 * @throws OutriderError INVALID_ARGUMENT where no message is the assistant's, or the first that is to be learned, or the
 *   template rewrites earlier turns or leaves out a part of an answer; where the tokens of the answer are not its text
 */
export function tokenizeConversation(
  speaker: Speaker,
  messages: readonly ChatMessage[],
  said: AnswersSaid = {},
): Example {
  const { unlearned = [], cut = [], answerIds } = said
  if (!messages.some(({ role }) => role === 'assistant'))
    throw new OutriderError('INVALID_ARGUMENT', 'A conversation without an assistant’s message has nothing to learn.', {
      remedy: 'Generate the answers first, or leave the row out.',
    })
  if (speaker.chatTemplate && messages[0]!.role === 'assistant' && !unlearned.includes(0))
    throw new OutriderError('INVALID_ARGUMENT', 'The conversation begins with an answer, and nothing asks for it.', {
      remedy: 'Leave that message out, or mark it as not to be learned (weight 0).',
    })
  const last = messages.length - 1
  const asked = answerIds && promptOf(speaker, messages.slice(0, last))
  if (asked) assertSaid(speaker, asked, answerIds, messages[last]!.content)
  const tokens = asked ? [...asked, ...answerIds] : encode(speaker, write(speaker, messages, false), false)
  const lossMask = tokens.map(() => 0)
  for (const [i, { role }] of messages.entries()) {
    if (role !== 'assistant' || unlearned.includes(i)) continue
    if (asked && i === last) lossMask.fill(1, asked.length)
    else lossMask.fill(1, ...answerIn(tokens, speaker, messages.slice(0, i + 1), cut.includes(i)))
  }
  // What a template writes after an answer that was cut is not what would have followed.
  const length = cut.includes(last) && !asked ? lossMask.lastIndexOf(1) + 1 : tokens.length
  return { tokens: tokens.slice(0, length), lossMask: lossMask.slice(0, length) }
}

/** Where in a conversation's tokens the last of these messages is: what of it is the model's, as [begin, end). */
function answerIn(
  tokens: readonly number[],
  speaker: Speaker,
  messages: readonly ChatMessage[],
  cut: boolean,
): [number, number] {
  const { content } = messages.at(-1)!
  const before = encode(speaker, write(speaker, messages.slice(0, -1), true), false)
  const written = write(speaker, messages, false)
  assertWhole(written, content)
  const begin = commonPrefix(tokens, before)
  let end = commonPrefix(tokens, encode(speaker, written, false))
  // What a template writes after the end token (a line break, say) is not the model's.
  const ends = new Set(speaker.generationConfig.eosTokenIds)
  const stop = tokens.findIndex((id, at) => at >= begin && at < end && ends.has(id))
  if (stop >= 0) end = stop + (cut ? 0 : 1)
  if (cut) end = Math.min(end, commonPrefix(tokens, encode(speaker, throughText(written, content), true)))
  if (begin >= before.length - boundaryTokens && (end > begin || cut)) return [begin, Math.max(begin, end)]
  throw new OutriderError(
    'INVALID_ARGUMENT',
    'The chat template writes earlier turns differently once an answer follows, so the answer cannot be told from them.',
    {
      remedy: 'Give the rows pre-tokenised, with loss_mask.',
    },
  )
}

/** What is written up to the end of the last answer's text. A letter of which the cut left only a part is no text. */
function throughText(written: string, content: string): string {
  const text = content.replace(/\uFFFD+$/, '').trim()
  const at = written.lastIndexOf(text)
  if (at >= 0) return written.slice(0, at + text.length)
  throw new OutriderError(
    'INVALID_ARGUMENT',
    'The chat template rewrites the answer, so it cannot be told where it was cut.',
    {
      remedy: 'Generate the answers anew: their rows then keep the tokens (completion_ids).',
    },
  )
}

/** Tokens of another tokenizer, or of an answer that was changed since, would be taught in silence. */
function assertSaid({ tokenizer }: Speaker, prompt: number[], ids: readonly number[], content: string): void {
  const stream = tokenizer.stream({ context: prompt })
  const text = ids.map((id) => stream.push(id)).join('') + stream.end()
  if (withoutSpace(text) === withoutSpace(content)) return
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `completion_ids are not the tokens of the answer ${quoted(content)}: in this tokenizer they are ${quoted(text)}.`,
    { remedy: 'Take completion_ids out of the rows, or generate the answers with this target.' },
  )
}

/**
 * A template for models that think may cut the thought from every answer. What the model is asked for has it, so it would be
 * taught another text than it gives. White space is the template's own business.
 */
function assertWhole(written: string, content: string): void {
  if (withoutSpace(written).includes(withoutSpace(content))) return
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `The chat template leaves out a part of the answer ${quoted(content)}, as templates do that cut thoughts from it.`,
    { remedy: 'Give answers as the template writes them, or rows pre-tokenised, with loss_mask.' },
  )
}

const withoutSpace = (text: string) => text.replace(/\s+/g, '')
const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

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
  const addSpecialTokens = !speaker.chatTemplate
  return prompt || !addSpecialTokens
    ? speaker.tokenizer.encode(text, { addSpecialTokens })
    : encodeDocument(speaker, text)
}

/**
 * A whole text as the tokenizer begins it, which is as a prompt begins: a begin token that config.json alone names is in no
 * prompt. It ends with an end token, be it the tokenizer's own.
 */
export function encodeDocument({ tokenizer, generationConfig: { eosTokenIds } }: Speaker, text: string): number[] {
  const tokens = tokenizer.encode(text)
  const [end] = eosTokenIds
  return end === undefined || eosTokenIds.includes(tokens.at(-1)!) ? tokens : [...tokens, end]
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}
