import type { ChatMessage } from '@outrider/transformer'
import { wasCut } from './answer-end'
import { isAbsent, type Json, list, malformed, present, text } from './fields'
import { messageKeys, refuseKeys } from './row-keys'

/** Messages of a conversation, which answers are not to be learned, and which were cut. */
export interface Conversation {
  messages: ChatMessage[]
  unlearned: number[]
  cut: number[]
}

/**
 * The messages under a field of a row: `role` and `content` (OpenAI), or `from` and `value` (ShareGPT). A struct of lists is
 * what `datasets` made of a list of structs (`Sequence`).
 */
export function conversationOf(row: Json, field: string, where: string): Conversation {
  const messages: ChatMessage[] = []
  const unlearned: number[] = []
  const cut: number[] = []
  for (const [i, given] of list({ [field]: asList(row[field]) }, field, where).entries()) {
    const at = `${where}, ${field}[${i}]`
    const message = given !== null && typeof given === 'object' ? present(given) : {}
    refuseKeys(message, messageKeys, at)
    const role = speaker(message, at)
    const content = contentOf(message, 'value' in message && !('content' in message) ? 'value' : 'content', at)
    if ('value' in message && contentOf(message, 'value', at) !== content)
      throw malformed(at, 'content and value say different things, and one of them would count', 'Leave one out.')
    messages.push({ role, content })
    if (!isLearned(message, role, at)) unlearned.push(i)
    if (role === 'assistant' && wasCut(message, at)) cut.push(i)
  }
  return { messages, unlearned, cut }
}

function asList(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  const columns = Object.entries(value).filter(([, column]) => Array.isArray(column)) as [string, unknown[]][]
  return columns[0]?.[1].map((_, i) => Object.fromEntries(columns.map(([key, column]) => [key, column[i]])))
}

/** Who speaks, under the names that conversations collected from several models give them. */
// biome-ignore format: a table
const speakers: Record<string, string> = {
  system: 'system',
  human: 'user', user: 'user', prompter: 'user',
  gpt: 'assistant', chatgpt: 'assistant', assistant: 'assistant', model: 'assistant', bot: 'assistant', chatbot: 'assistant',
  ai: 'assistant', bing: 'assistant', bard: 'assistant', claude: 'assistant', gemini: 'assistant',
  tool: 'tool', observation: 'tool', function_response: 'tool', tool_response: 'tool',
}

/** A role that is nobody's other name is the template's to know; under `from` it is a mistake. */
function speaker(message: Json, where: string): string {
  const field = 'from' in message && !('role' in message) ? 'from' : 'role'
  const said = text(message, field, where)
  const name = known(said)
  if ('role' in message && 'from' in message && name !== known(text(message, 'from', where)))
    throw malformed(where, 'role and from say different things, and one of them would count', 'Leave one out.')
  if (name !== undefined) return name
  if (said === 'function_call' || said === 'tool_call')
    throw malformed(where, `${field} is "${said}", and calls of tools are not read`)
  if (field === 'role' && said !== '') return said
  throw malformed(where, `${field} is ${JSON.stringify(said)}, and it is not known who that is`)
}

const known = (said: string): string | undefined =>
  Object.hasOwn(speakers, said.toLowerCase()) ? speakers[said.toLowerCase()] : undefined

/** Text, or a list of parts that are text: one after the other, as templates write them. */
export function contentOf(message: Json, field: string, where: string): string {
  const value = message[field]
  if (!Array.isArray(value)) return text(message, field, where)
  return value
    .map((part: unknown, i) => {
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown }
      if (type === 'text' && typeof text === 'string') return text
      throw malformed(where, `${field}[${i}] is ${type === undefined ? 'no part' : JSON.stringify(type)}, not text`)
    })
    .join('')
}

/** The names under which a message says whether it is learned: OpenAI; axolotl; ms-swift; others. */
const learning = ['weight', 'train', 'training', 'loss', 'loss_mask'] as const

function isLearned(message: Json, role: string, where: string): boolean {
  let learned = true
  for (const key of learning) {
    const value = message[key]
    if (isAbsent(value)) continue
    const said = value === true || value === 1 ? true : value === false || value === 0 ? false : undefined
    if (said === undefined)
      throw malformed(where, `${key} is ${JSON.stringify(value)}, and a message is learned or not: 1 or 0`)
    if (said && role !== 'assistant' && key !== 'weight')
      throw malformed(where, `${key} is ${JSON.stringify(value)}, and only answers are learned`)
    learned &&= said
  }
  return learned || role !== 'assistant'
}
