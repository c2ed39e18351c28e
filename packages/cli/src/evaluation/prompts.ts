import { type DatasetRow, jsonl, promptOf } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'
import type { MeasuredPrompt } from './speculation'

/**
 * The prompts of a JSONL file as the model's token ids, each with its category (`category` or `task` of the row). A
 * conversation is answered where its last answer stands; a text is continued.
 *
 * @param limit  only so many of each category
 * @throws OutriderError FILE_MISSING, FILE_FORMAT; INVALID_ARGUMENT for a file without prompts
 */
export async function readPrompts(file: string, model: PretrainedModel, limit = Infinity): Promise<MeasuredPrompt[]> {
  const prompts: MeasuredPrompt[] = []
  const taken = new Map<string, number>()
  for await (const row of jsonl(file)) {
    const category = row.kind === 'conversation' ? categoryOf(row.metadata) : uncategorised
    const count = taken.get(category) ?? 0
    if (count >= limit) continue
    taken.set(category, count + 1)
    prompts.push({ category, ...promptFrom(row, model) })
  }
  if (prompts.length > 0) return prompts
  throw new OutriderError('INVALID_ARGUMENT', `${file} holds no prompt.`, {
    remedy: 'Give a JSONL file with a prompt a line: {"prompt": "…", "category": "…"}.',
  })
}

const uncategorised = 'prompts'

function promptFrom(row: DatasetRow, model: PretrainedModel): Pick<MeasuredPrompt, 'prompt' | 'shown'> {
  if (row.kind === 'tokens') return { prompt: row.tokens, shown: model.tokenizer.decode(row.tokens) }
  if (row.kind === 'text') return { prompt: row.text, shown: row.text }
  const messages = withoutAnswer(row.messages)
  return { prompt: promptOf(model, messages), shown: messages.at(-1)?.content ?? '' }
}

function categoryOf({ category, task }: Record<string, unknown>): string {
  const name = category ?? task
  return typeof name === 'string' && name !== '' && name !== 'all' ? name : uncategorised
}

const withoutAnswer = <Message extends { role: string }>(messages: readonly Message[]): readonly Message[] =>
  messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages
