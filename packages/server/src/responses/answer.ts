import type { Answering } from '../answering'
import type { ServedModel } from '../requests/generation-request'
import { ToolReader } from '../tools/tool-reader'
import type { ToolDelta } from '../tools/tool-stream'
import type { Format, Given, ToldEnding, Usage, Whole } from './format'
import { merged } from './merged'
import { SequenceScores } from './sequence-scores'

/** The pieces of an answer with the scores that belong to them, as they come. Pieces without text are left out. */
export async function* given(
  { request, pieces }: Answering,
  { target }: ServedModel,
  { tools, onTokens }: { tools?: ToolReader | undefined; onTokens?: (tokens: readonly number[]) => void } = {},
): AsyncGenerator<Given, void, undefined> {
  const { logProbabilities, prompt } = request
  const scores = logProbabilities === undefined ? undefined : new SequenceScores(target.tokenizer, prompt)
  let length = 0
  for await (const { tokens, text, scored } of pieces) {
    onTokens?.(tokens)
    length += text.length
    const placed = scores?.push(scored!, length)
    const calls = tools?.push({ tokens, text })
    if (calls) {
      if (calls.length > 0 || placed?.length) yield { ...apart(calls), scores: placed }
    } else if (text !== '') yield { text, scores: placed }
  }
  const last = tools?.end() ?? []
  if (last.length > 0) yield { ...apart(last), scores: scores && [] }
}

/** Text, and what belongs to calls. */
const apart = (deltas: readonly ToolDelta[]): Pick<Given, 'text' | 'calls'> => ({
  text: deltas.map((delta) => ('content' in delta ? delta.content : '')).join(''),
  calls: deltas.filter((delta) => !('content' in delta)),
})

const readerOf = ({ request: { toolForm, prompt } }: Answering, { target }: ServedModel) =>
  toolForm && new ToolReader(toolForm, target.tokenizer, prompt)

const toldEnding = ({ ending }: Answering, calls: boolean): ToldEnding =>
  calls && ending!.finishReason === 'stop' ? { ...ending!, finishReason: 'tool_calls' } : ending!

/** All answers of a request, whole; undefined if the client has left meanwhile. */
export async function wholeAnswers(
  answers: readonly Answering[],
  served: ServedModel,
  format: Format,
): Promise<object | undefined> {
  const wholes: Whole[] = []
  for (const answer of answers) {
    const whole = await wholeOf(answer, served)
    if (!answer.ending) return undefined
    wholes.push(whole)
  }
  const choices = wholes.map((whole, index) =>
    format.choice(whole, toldEnding(answers[index]!, hasCalls(whole)), index),
  )
  return format.whole(choices, wholes, usageOf(answers), metricsOf(answers))
}

const hasCalls = ({ calls = [] }: Whole) => calls.length > 0

async function wholeOf(answer: Answering, served: ServedModel): Promise<Whole> {
  const { prompt, told, logProbabilities } = answer.request
  const scored = logProbabilities !== undefined
  const whole: Whole = { text: '', scores: scored ? [] : undefined, tokensAsIds: told?.tokensAsIds }
  const said: number[] = []
  if (told?.tokenIds) whole.ids = { prompt, answer: said }
  if (told?.echo) whole.echo = prompt
  const tools = readerOf(answer, served)
  for await (const { text, calls, scores } of given(answer, served, {
    tools,
    onTokens: (tokens) => said.push(...tokens),
  })) {
    whole.text += text
    if (calls) whole.calls = [...(whole.calls ?? []), ...calls]
    whole.scores?.push(...scores!)
  }
  whole.promptScores = await answer.promptScores
  return whole
}

/** The objects of a stream, in their order: of several answers as they come. */
export async function* answerChunks(
  answers: readonly Answering[],
  served: ServedModel,
  format: Format,
  { includeUsage, continuousUsage }: { includeUsage: boolean; continuousUsage: boolean },
): AsyncGenerator<object, void, undefined> {
  yield* merged(
    answers.map(async function* (answer, index) {
      const { prompt, told } = answer.request
      let tokens = 0
      const withUsage = (chunk: object) =>
        continuousUsage ? { ...chunk, usage: usageOfTokens(prompt.length, tokens) } : chunk
      for (const chunk of format.opening(index)) yield withUsage(chunk)
      const tools = readerOf(answer, served)
      const onTokens = ({ length }: readonly number[]) => {
        tokens += length
      }
      for await (const piece of given(answer, served, { tools, onTokens }))
        yield withUsage(format.chunk({ ...piece, tokensAsIds: told?.tokensAsIds }, index))
      if (!answer.ending) return
      // As vLLM has it, speculation is told with the usage; to those who do not ask for that, with the reason of the end.
      const metrics = includeUsage ? undefined : metricsOf(answers.length === 1 ? [answer] : [])
      yield withUsage(format.closing(toldEnding(answer, (tools?.calls ?? 0) > 0), metrics, index))
    }),
  )
  if (includeUsage && answers.every(({ ending }) => ending)) yield format.usage(usageOf(answers), metricsOf(answers))
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

const usageOfTokens = (prompt: number, completion: number): Usage => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
})

export function usageOf(answers: readonly Answering[]): Usage {
  // Several answers to one prompt share it: it was read for the first of them, if for any.
  const cached = new Map<readonly number[], number>()
  for (const { request, cachedTokens } of answers)
    cached.set(request.prompt, Math.min(cachedTokens, cached.get(request.prompt) ?? cachedTokens))
  const usage: Usage = {
    ...usageOfTokens(total([...cached.keys()].map(({ length }) => length)), total(answers.map(({ tokens }) => tokens))),
    prompt_tokens_details: { cached_tokens: total([...cached.values()]) },
  }
  const speculated = answers.flatMap(({ ending }) => ending?.speculation ?? [])
  if (speculated.length === 0) return usage
  const drafted = total(speculated.map(({ num_draft_tokens }) => num_draft_tokens))
  const accepted = total(speculated.map(({ num_accepted_draft_tokens }) => num_accepted_draft_tokens))
  return {
    ...usage,
    completion_tokens_details: { accepted_prediction_tokens: accepted, rejected_prediction_tokens: drafted - accepted },
  }
}

/** As vLLM has it: of one answer, for figures of several belong to none. */
export function metricsOf(answers: readonly Answering[]): object | undefined {
  const [answer, ...others] = answers
  if (!answer || others.length > 0) return undefined
  return answer.ending?.speculation && { speculative_decoding: answer.ending.speculation }
}
