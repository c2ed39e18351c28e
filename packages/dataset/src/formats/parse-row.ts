import type { ChatMessage } from '@outrider/transformer'
import { endKeys, wasCut } from './answer-end'
import { integers, isAbsent, type Json, list, malformed, optionalText, present, text } from './fields'
import { type Conversation, conversationOf } from './messages'
import { isByIndex, otherLayout } from './other-layout'
import type { DatasetRow } from './row'
import { messageKeys, refusal, refuseKeys, rowKeys, unknownKeys } from './row-keys'
import { refuseBesideText, refuseMasks, refuseUnasked } from './said-besides'
import { tokensOf } from './token-row'

/**
 * One row of a dataset in any of the field's formats: `messages` (OpenAI), `conversations` with `from`/`value` (ShareGPT),
 * `instruction` with `input` or `context` and `output` or `response`, or with `instances` (Alpaca, Dolly, Self-Instruct),
 * `prompt` with `completion` or `response` (as texts, or as messages: TRL), `turns` (MT-bench, Spec-Bench: the user's sides),
 * `question` or `query` with `answer` or `response` (GSM8K, OpenOrca), `text`, and `input_ids` with `loss_mask`, or with `labels` and
 * `attention_mask` (transformers: a label of −100 is not learned, a mask of 0 is padding). `system` and `history` go before.
 * A field that is null is as absent: joined datasets have the columns of each other so. Whatever else the row says is its
 * metadata.
 *
 * @param where  file and line, for the error
 * @throws OutriderError FILE_FORMAT saying what is missing, of the wrong type, or would count and is not supported
 */
export function parseRow(value: unknown, where: string): DatasetRow {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw malformed(where, 'a row must be a JSON object')
  const row = present(value)
  refuseKeys(row, rowKeys, where)
  const isWritten = Object.keys(readers).some((field) => field in row && !isByIndex(row[field]))
  const layout = isWritten ? undefined : otherLayout(row)
  if (layout) throw malformed(where, layout.what, layout.remedy)
  if (typeof row.label === 'boolean') throw malformed(where, `label is not supported: ${refusal(rowKeys, 'kto_tag')}`)
  // Tokens go first: what says the same as texts is not tokenised again.
  const field = ['input_ids', ...Object.keys(readers)].find((field) => field in row)
  if (field !== undefined) {
    if (field !== 'input_ids') refuseMasks(field, row, where)
    return readers[field]!(row, where)
  }
  throw malformed(
    where,
    `it has none of the fields ${Object.keys(readers).join(', ')}`,
    'Rename the field that asks to prompt, and the one that answers to completion; or leave the row out.',
  )
}

/** The keys of a row and of its messages that nobody knows: they are not used. */
export function unknownKeysOf(value: object): string[] {
  const row = present(value)
  const messages = conversations.flatMap((field) => (Array.isArray(row[field]) ? (row[field] as unknown[]) : []))
  const inMessages = messages.flatMap((message) =>
    message !== null && typeof message === 'object' ? unknownKeys(message as Json, messageKeys) : [],
  )
  return [...unknownKeys(row, rowKeys), ...new Set(inMessages)]
}

/** Names for what the system says. */
const systems = ['system', 'system_prompt', 'system_message', 'system_instruction', 'systemPrompt'] as const

const conversations = ['messages', 'conversations', 'conversation'] as const

const readers: Record<string, (row: Json, where: string) => DatasetRow> = {
  messages: (row, where) => conversation(conversationOf(row, 'messages', where), row, where, ['messages']),
  conversations: (row, where) =>
    conversation(conversationOf(row, 'conversations', where), row, where, ['conversations']),
  conversation: (row, where) => conversation(conversationOf(row, 'conversation', where), row, where, ['conversation']),
  input_ids: tokensOf,
  instruction(row, where) {
    const [instance, ...more] = Array.isArray(row.instances) ? (row.instances as Json[]) : [row]
    if (more.length > 0)
      throw malformed(
        where,
        `instances has ${more.length + 1} of them`,
        'Write a row for each: one row is one conversation.',
      )
    const input = optionalText(instance, ['input', 'context'], where)
    const prompt = [text(row, 'instruction', where), input].filter(Boolean).join('\n\n')
    const used = ['instruction', 'input', 'context', 'output', 'response', 'instances']
    refuseUnasked('instruction', ['prompt', 'question', 'query', 'text'], row, where)
    return exchange(prompt, optionalText(instance, ['output', 'response'], where), row, where, used)
  },
  prompt(row, where) {
    const used = ['prompt', 'completion', 'response']
    refuseUnasked('prompt', ['input', 'context', 'question', 'query', 'text'], row, where)
    if (!Array.isArray(row.prompt))
      return exchange(
        text(row, 'prompt', where),
        optionalText(row, ['completion', 'response'], where),
        row,
        where,
        used,
      )
    const asked = conversationOf(row, 'prompt', where)
    const answer = ['completion', 'response'].find((field) => field in row)
    const answered = answer && conversationOf(row, answer, where)
    return conversation(answered ? answerTo(asked, answered) : asked, row, where, used)
  },
  turns(row, where) {
    const [first] = list(row, 'turns', where)
    if (typeof first !== 'string') throw malformed(where, 'turns must hold the user’s messages as strings')
    return exchange(first, undefined, row, where, ['turns'])
  },
  question: (row, where) => answered('question', row, where),
  query: (row, where) => answered('query', row, where),
  text(row, where) {
    refuseBesideText(row, where)
    return { kind: 'text', text: text(row, 'text', where) }
  },
}

function answered(field: string, row: Json, where: string): DatasetRow {
  refuseUnasked(field, ['input', 'context', 'query', 'text'], row, where)
  const answer = optionalText(row, ['answer', 'response'], where)
  return exchange(text(row, field, where), answer, row, where, [field, 'answer', 'response'])
}

function exchange(prompt: string, answer: string | undefined, row: Json, where: string, fields: string[]): DatasetRow {
  const messages = [...historyOf(row, where), { role: 'user', content: prompt }]
  if (answer) messages.push({ role: 'assistant', content: answer })
  return conversation({ messages, unlearned: [], cut: [] }, row, where, [...fields, 'history'])
}

/** Of a prompt and its completion only the completion is learned, as in TRL. */
function answerTo(asked: Conversation, answered: Conversation): Conversation {
  const before = asked.messages.length
  const inPrompt = [...asked.messages.keys()].filter((i) => asked.messages[i]!.role === 'assistant')
  return {
    messages: [...asked.messages, ...answered.messages],
    unlearned: [...inPrompt, ...answered.unlearned.map((i) => before + i)],
    cut: [...asked.cut, ...answered.cut.map((i) => before + i)],
  }
}

function conversation(
  { messages, unlearned, cut }: Conversation,
  row: Json,
  where: string,
  fields: string[],
): DatasetRow {
  if (!fields.includes('history') && Array.isArray(row.history) && row.history.length > 0)
    throw malformed(where, `history beside ${fields[0]} is not supported`, 'Write it as messages before the others.')
  const system = optionalText(row, systems, where)
  const begins = messages[0]?.role === 'system'
  if (system && begins && messages[0]?.content !== system)
    throw malformed(where, 'system is not what the first message says')
  const used = [...fields, ...systems, 'completion_ids', ...endKeys]
  const last = messages.length - 1
  const answers = messages[last]?.role === 'assistant'
  const cuts = answers && !cut.includes(last) && wasCut(row, where) ? [...cut, last] : cut
  // Of a row that asks alone they belong to nothing: an instruction that is to be answered anew may have them.
  const ids = answers && 'completion_ids' in row ? integers(row, 'completion_ids', where) : undefined
  const before = system && !begins ? [{ role: 'system', content: system }] : []
  return {
    kind: 'conversation',
    messages: [...before, ...messages],
    ...(unlearned.length > 0 && { unlearned: unlearned.map((i) => i + before.length) }),
    ...(cuts.length > 0 && { cut: cuts.map((i) => i + before.length) }),
    ...(ids && { answerIds: ids }),
    metadata: Object.fromEntries(Object.entries(row).filter(([field]) => !used.includes(field))),
  }
}

/** What was asked and answered before (LLaMA-Factory): pairs. */
function historyOf(row: Json, where: string): ChatMessage[] {
  if (isAbsent(row.history) || row.history === '') return []
  if (!Array.isArray(row.history)) throw malformed(where, 'history must be a list of questions and their answers')
  return row.history.flatMap((pair: unknown, i): ChatMessage[] => {
    const [question, answer, ...more] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof question !== 'string' || typeof answer !== 'string' || more.length > 0)
      throw malformed(where, `history[${i}] must be a question and its answer`)
    return [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ]
  })
}
