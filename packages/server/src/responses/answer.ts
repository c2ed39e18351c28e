import type { Job } from '../engine/job'
import type { ServedModel } from '../requests/generation-request'
import type { Format, Given, Usage, Whole } from './format'
import { SequenceScores } from './sequence-scores'

/** The pieces of a job's answer with the scores that belong to them, as they come. Pieces without text are left out. */
async function* given(
  job: Job,
  { target }: ServedModel,
  onTokens: (tokens: readonly number[]) => void = () => {},
): AsyncGenerator<Given, void, undefined> {
  const { logProbabilities, prompt } = job.request
  const scores = logProbabilities === undefined ? undefined : new SequenceScores(target.tokenizer, prompt)
  let length = 0
  for await (const { tokens, text, scored } of job) {
    onTokens(tokens)
    length += text.length
    const placed = scores?.push(scored!, length)
    if (text !== '') yield { text, scores: placed }
  }
}

/** The whole answer; undefined if the client has left meanwhile. */
export async function wholeAnswer(job: Job, served: ServedModel, format: Format): Promise<object | undefined> {
  const { prompt, tokenIds, logProbabilities } = job.request
  const whole: Whole = { text: '', scores: logProbabilities === undefined ? undefined : [] }
  const said: number[] = []
  if (tokenIds) whole.ids = { prompt, answer: said }
  for await (const { text, scores } of given(job, served, (tokens) => said.push(...tokens))) {
    whole.text += text
    whole.scores?.push(...scores!)
  }
  return job.ending && format.whole(whole, job.ending, usageOf(job), metricsOf(job))
}

/** The objects of a stream, in their order. */
export async function* answerChunks(
  job: Job,
  served: ServedModel,
  format: Format,
  { includeUsage }: { includeUsage: boolean },
): AsyncGenerator<object, void, undefined> {
  yield* format.opening()
  for await (const piece of given(job, served)) yield format.chunk(piece)
  if (!job.ending) return
  // As vLLM has it, speculation is told with the usage; to those who do not ask for that, with the reason of the end.
  yield format.closing(job.ending, includeUsage ? undefined : metricsOf(job))
  if (includeUsage) yield format.usage(usageOf(job), metricsOf(job))
}

function usageOf({ request: { prompt }, tokens }: Job): Usage {
  return { prompt_tokens: prompt.length, completion_tokens: tokens, total_tokens: prompt.length + tokens }
}

const metricsOf = ({ ending }: Job) => ending?.speculation && { speculative_decoding: ending.speculation }
