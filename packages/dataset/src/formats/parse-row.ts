import { OutriderError } from '@outrider/tensor'
import type { ChatMessage } from '@outrider/transformer'
import type { DatasetRow } from './row'

type Json = Record<string, unknown>

/**
 * One row of a dataset in any of the field's formats: `messages` (OpenAI), `conversations` with `from`/`value` (ShareGPT),
 * `instruction` with `input` and `output` or `instances` (Alpaca, Self-Instruct), `prompt` with `completion` or `response`,
 * `turns` (MT-bench, Spec-Bench: the user's sides), `question` with `answer` (GSM8K), `text`, and `input_ids` with
 * `loss_mask`.
 *
 * @param where  file and line, for the error
 * @throws OutriderError FILE_FORMAT saying what is missing or of the wrong type
 */
export function parseRow(value: unknown, where: string): DatasetRow {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw malformed(where, 'a row must be a JSON object')
  const row = value as Json
  for (const [field, read] of Object.entries(readers)) if (field in row) return read(row, where)
  throw malformed(where, `it has none of the fields ${Object.keys(readers).join(', ')}`)
}

const readers: Record<string, (row: Json, where: string) => DatasetRow> = {
  messages: (row, where) =>
    conversation(
      list(row, 'messages', where).map((message, i) => ({
        role: text(message as Json, 'role', `${where}, messages[${i}]`),
        content: text(message as Json, 'content', `${where}, messages[${i}]`),
      })),
      row,
      'messages',
    ),
  conversations: (row, where) =>
    conversation(
      list(row, 'conversations', where).map((message, i) => ({
        role: roleOf(text(message as Json, 'from', `${where}, conversations[${i}]`)),
        content: text(message as Json, 'value', `${where}, conversations[${i}]`),
      })),
      row,
      'conversations',
    ),
  input_ids: (row, where) => {
    const tokens = integers(row, 'input_ids', where)
    const lossMask = 'loss_mask' in row ? integers(row, 'loss_mask', where) : tokens.map(() => 1)
    if (lossMask.length !== tokens.length)
      throw malformed(where, `input_ids has ${tokens.length} elements and loss_mask ${lossMask.length}`)
    return { kind: 'tokens', tokens, lossMask }
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

const roles: Record<string, string> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  system: 'system',
}

const roleOf = (from: string) => roles[from] ?? from

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
