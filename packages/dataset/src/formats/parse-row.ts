import { OutriderError } from '@outrider/tensor'
import type { ChatMessage } from '@outrider/transformer'
import type { DatasetRow } from './row'

type Json = Record<string, unknown>

/**
 * One row of a dataset in any of the field's formats: `messages` (OpenAI), `conversations` with `from`/`value` (ShareGPT),
 * `instruction` with `input` and `output` or `instances` (Alpaca, Self-Instruct), `prompt` with `completion` or `response`,
 * `turns` (MT-bench, Spec-Bench: the user's sides), `question` with `answer` (GSM8K), `text`, and `input_ids` with
 * `loss_mask`, or with `labels` and `attention_mask` (transformers: a label of −100 is not learned, a mask of 0 is padding).
 * A field that is null is as absent: joined datasets have the columns of each other so.
 *
 * @param where  file and line, for the error
 * @throws OutriderError FILE_FORMAT saying what is missing or of the wrong type
 */
export function parseRow(value: unknown, where: string): DatasetRow {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw malformed(where, 'a row must be a JSON object')
  const row = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
  for (const [field, read] of Object.entries(readers)) if (field in row) return read(row, where)
  throw malformed(where, `it has none of the fields ${Object.keys(readers).join(', ')}`)
}

const readers: Record<string, (row: Json, where: string) => DatasetRow> = {
  messages: (row, where) =>
    conversation(
      list(row, 'messages', where).map((message, i) => ({
        role: text(message as Json, 'role', `${where}, messages[${i}]`),
        content: contentOf(message as Json, 'content', `${where}, messages[${i}]`),
      })),
      row,
      'messages',
    ),
  conversations: (row, where) =>
    conversation(
      list(row, 'conversations', where).map((message, i) => ({
        role: speaker(message as Json, `${where}, conversations[${i}]`),
        content: contentOf(message as Json, 'value', `${where}, conversations[${i}]`),
      })),
      row,
      'conversations',
    ),
  input_ids: (row, where) => {
    const tokens = integers(row, 'input_ids', where)
    const beside = (field: string, values: readonly number[]) => {
      if (values.length === tokens.length) return values
      throw malformed(where, `input_ids has ${tokens.length} elements and ${field} ${values.length}`)
    }
    const lossMask = 'loss_mask' in row ? beside('loss_mask', bits(row, 'loss_mask', where)) : tokens.map(() => 1)
    const attended = 'attention_mask' in row ? beside('attention_mask', bits(row, 'attention_mask', where)) : undefined
    const labels = 'labels' in row ? beside('labels', labelsOf(row, tokens, where)) : undefined
    // Padding is no part of the row: what follows it would otherwise see it.
    const kept = [...tokens.keys()].filter((i) => attended?.[i] !== 0)
    if (kept.length === 0) throw malformed(where, 'attention_mask leaves no token')
    const learned = (i: number) => (lossMask[i] === 0 || labels?.[i] === notLearned ? 0 : 1)
    return { kind: 'tokens', tokens: kept.map((i) => tokens[i]!), lossMask: kept.map(learned) }
  },
  instruction: (row, where) => {
    const instance = Array.isArray(row.instances) ? (row.instances[0] as Json | undefined) : row
    const input = optionalText(instance, 'input')
    const prompt = [text(row, 'instruction', where), input].filter(Boolean).join('\n\n')
    return exchange(prompt, optionalText(instance, 'output'), row, ['instruction', 'input', 'output', 'instances'])
  },
  prompt: (row, where) =>
    exchange(text(row, 'prompt', where), optionalText(row, 'completion') ?? optionalText(row, 'response'), row, [
      'prompt',
      'completion',
      'response',
    ]),
  turns: (row, where) => {
    const [first] = list(row, 'turns', where)
    if (typeof first !== 'string') throw malformed(where, 'turns must hold the user’s messages as strings')
    return conversation([{ role: 'user', content: first }], row, 'turns')
  },
  question: (row, where) =>
    exchange(text(row, 'question', where), optionalText(row, 'answer'), row, ['question', 'answer']),
  text: (row, where) => ({ kind: 'text', text: text(row, 'text', where) }),
}

function exchange(prompt: string, answer: string | undefined, row: Json, fields: string[]): DatasetRow {
  const messages: ChatMessage[] = [{ role: 'user', content: prompt }]
  if (answer) messages.push({ role: 'assistant', content: answer })
  return conversation(messages, row, ...fields)
}

function conversation(messages: ChatMessage[], row: Json, ...fields: string[]): DatasetRow {
  const metadata = Object.fromEntries(Object.entries(row).filter(([field]) => !fields.includes(field)))
  return { kind: 'conversation', messages, metadata }
}

/** Who speaks, under the names that conversations collected from several models give them. */
const speakers: Record<string, string> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
  bing: 'assistant',
  bard: 'assistant',
  assistant: 'assistant',
  system: 'system',
  tool: 'tool',
}

function speaker(message: Json, where: string): string {
  const from = text(message, 'from', where)
  if (Object.hasOwn(speakers, from)) return speakers[from]!
  throw malformed(where, `from is ${JSON.stringify(from)}, and it is not known who that is`)
}

/** Text, or a list of parts that are text. */
function contentOf(message: Json, field: string, where: string): string {
  const value = message?.[field]
  if (!Array.isArray(value)) return text(message, field, where)
  return value
    .map((part: unknown, i) => {
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown }
      if (type === 'text' && typeof text === 'string') return text
      throw malformed(where, `${field}[${i}] is ${type === undefined ? 'no part' : JSON.stringify(type)}, not text`)
    })
    .join('')
}

/** The label of a token that is not learned, in PyTorch's cross-entropy and in all that build on it. */
const notLearned = -100

/** What is learned must be the token itself: labels are not yet shifted here, as in transformers. */
function labelsOf(row: Json, tokens: readonly number[], where: string): number[] {
  const labels = list(row, 'labels', where)
  const other = labels.findIndex((label, i) => label !== notLearned && label !== tokens[i])
  if (other >= 0 && other < tokens.length)
    throw malformed(where, `labels[${other}] is ${JSON.stringify(labels[other])}, neither input_ids[${other}] nor −100`)
  return labels as number[]
}

function bits(row: Json, field: string, where: string): number[] {
  const values = integers(row, field, where)
  if (!values.every((value) => value <= 1)) throw malformed(where, `${field} must hold 0 and 1`)
  return values
}

function text(row: Json | undefined, field: string, where: string): string {
  const value = row?.[field]
  if (typeof value !== 'string')
    throw malformed(where, `${field} must be a string, not ${value === undefined ? 'missing' : typeof value}`)
  return value
}

const optionalText = (row: Json | undefined, field: string) =>
  typeof row?.[field] === 'string' && row[field] !== '' ? (row[field] as string) : undefined

function list(row: Json, field: string, where: string): unknown[] {
  const value = row[field]
  if (!Array.isArray(value) || value.length === 0)
    throw malformed(where, `${field} must be a list with something in it`)
  return value
}

function integers(row: Json, field: string, where: string): number[] {
  const values = list(row, field, where)
  if (!values.every((value) => Number.isInteger(value) && (value as number) >= 0))
    throw malformed(where, `${field} must hold whole numbers`)
  return values as number[]
}

function malformed(where: string, what: string): OutriderError {
  return new OutriderError('FILE_FORMAT', `${where}: ${what}.`, {
    remedy: 'See the formats that parseRow reads, or leave the line out.',
    details: { where },
  })
}
