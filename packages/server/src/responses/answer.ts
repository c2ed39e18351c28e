import type { Answering } from '../answering'
import type { ServedModel } from '../requests/generation-request'
import { ToolReader } from '../tools/tool-reader'
import type { ToolDelta } from '../tools/tool-stream'
import type { Format, Given, ToldEnding, Usage, Whole } from './format'
import { merged } from './merged'
import { type PlacedToken, SequenceScores } from './sequence-scores'
import { type ToldPrompt, toldPrompt } from './told-prompt'

interface GivenOptions {
  tools?: ToolReader | undefined
  /** Told of all tokens, those of pieces that are left out among them. */
  onTokens?: (tokens: readonly number[]) => void
  /** Characters that come before the answer: its tokens' places are counted from there. Default 0. */
  offset?: number | undefined
}

/** The pieces of an answer with the scores that belong to them, as they come. Those without text are left out where no ids are told. */
export async function* given(
  { request, pieces }: Answering,
  { target }: ServedModel,
  { tools, onTokens, offset = 0 }: GivenOptions = {},
): AsyncGenerator<Given, void, undefined> {
  const { logProbabilities, prompt, told } = request
  const scores = logProbabilities === undefined ? undefined : new SequenceScores(target.tokenizer, prompt)
  let length = 0
  for await (const { tokens, text, scored } of pieces) {
    onTokens?.(tokens)
    length += text.length
    const placed = scores?.push(scored!, length).map((one) => ({ ...one, offset: offset + one.offset }))
    const ids = told?.tokenIds ? tokens : undefined
    const calls = tools?.push({ tokens, text })
    if (calls) {
      if (calls.length > 0 || placed?.length || ids) yield { ...apart(calls), scores: placed, ids }
    } else if (text !== '' || ids) yield { text, scores: placed, ids }
  }
  const last = tools?.end() ?? []
  if (last.length > 0) yield { ...nothing(request), ...apart(last) }
}

/** Of an answer, no more. */
const nothing = ({ logProbabilities, told }: Answering['request']) => ({
  text: '',
  scores: logProbabilities === undefined ? undefined : [],
  tokensAsIds: told?.tokensAsIds,
  ids: told?.tokenIds ? [] : undefined,
})

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
  const prompt = await toldPrompt(answer, served.target.tokenizer)
  const whole: Whole = { ...nothing(answer.request), prompt }
  const [scores, ids]: [PlacedToken[], number[]] = [[], []]
  const options = { tools: readerOf(answer, served), offset: prompt.echo?.text.length }
  for await (const piece of given(answer, served, options)) {
    whole.text += piece.text
    if (piece.calls) whole.calls = [...(whole.calls ?? []), ...piece.calls]
    scores.push(...(piece.scores ?? []))
    ids.push(...(piece.ids ?? []))
  }
  if (whole.scores) whole.scores = scores
  if (whole.ids) whole.ids = ids
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
      const { request } = answer
      let tokens = 0
      const withUsage = (chunk: object) =>
        continuousUsage ? { ...chunk, usage: usageOfTokens(request.prompt.length, tokens) } : chunk
      const prompt = await toldPrompt(answer, served.target.tokenizer)
      for (const chunk of format.opening(index, prompt)) yield withUsage(chunk)
      const tools = readerOf(answer, served)
      const onTokens = ({ length }: readonly number[]) => {
        tokens += length
      }
      // The prompt comes with the first piece, as vLLM has it; where there is none, with the end.
      let untold: ToldPrompt | undefined = prompt
      for await (const piece of given(answer, served, { tools, onTokens, offset: prompt.echo?.text.length })) {
        yield withUsage(format.chunk({ ...nothing(request), ...piece, prompt: untold }, index))
        untold = undefined
      }
      if (!answer.ending) return
      // As vLLM has it, speculation is told with the usage; to those who do not ask for that, with the reason of the end.
      const metrics = includeUsage ? undefined : metricsOf(answers.length === 1 ? [answer] : [])
      const ending = toldEnding(answer, (tools?.calls ?? 0) > 0)
      yield withUsage(format.closing(ending, metrics, { ...nothing(request), prompt: untold }, index))
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
