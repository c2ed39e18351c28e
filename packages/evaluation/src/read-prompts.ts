import { type DataSource, type DatasetRow, promptOf, useRow } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { type CausalLM, checkPrompt, type PretrainedModel, promptTokens } from '@outrider/transformer'
import type { MeasuredPrompt } from './measure-in-turns'

/**
 * Prompts as the model's token ids, each with its category (`category` or `task` of the row). A conversation is answered where
 * its last answer stands; a text is continued.
 *
 * @param limit  only so many of each category
 * @throws OutriderError what reading throws, and with the row's place where it is no prompt of this model; INVALID_ARGUMENT
 *   where there are none
 */
export async function readPrompts(
  source: DataSource,
  model: PretrainedModel<CausalLM>,
  limit = Infinity,
): Promise<MeasuredPrompt[]> {
  const prompts: MeasuredPrompt[] = []
  const taken = new Map<string, number>()
  for await (const row of source) {
    const category = row.kind === 'conversation' ? categoryOf(row.metadata) : uncategorised
    const count = taken.get(category) ?? 0
    if (count >= limit) continue
    const prompt = useRow(source, row, () => promptFrom(row, model))
    if (!prompt) continue
    taken.set(category, count + 1)
    prompts.push({ category, ...prompt })
  }
  if (prompts.length > 0) return prompts
  throw new OutriderError('INVALID_ARGUMENT', `${source.name} holds no prompt.`, {
    remedy: 'Give rows with a prompt each: {"prompt": "…", "category": "…"}.',
  })
}

const uncategorised = 'prompts'

function promptFrom(row: DatasetRow, model: PretrainedModel<CausalLM>): Pick<MeasuredPrompt, 'prompt' | 'shown'> {
  if (row.kind === 'tokens') {
    checkPrompt(model.config, row.tokens)
    return { prompt: row.tokens, shown: model.tokenizer.decode(row.tokens) }
  }
  if (row.kind === 'text') return { prompt: promptTokens(model, row.text), shown: row.text }
  const messages = withoutAnswer(row.messages)
  if (messages.length === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'It asks nothing: it has no message but an answer.')
  const prompt = promptOf(model, messages)
  checkPrompt(model.config, prompt)
  return { prompt, shown: messages.at(-1)?.content ?? '' }
}

function categoryOf({ category, task }: Record<string, unknown>): string {
  const name = category ?? task
  return typeof name === 'string' && name !== '' && name !== 'all' ? name : uncategorised
}

const withoutAnswer = <Message extends { role: string }>(messages: readonly Message[]): readonly Message[] =>
  messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages
