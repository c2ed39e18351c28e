import { type Batch, type Example, toBatch } from '@outrider/dataset'
import { uniform01 } from '@outrider/tensor'
import {
  type AnswerRequest,
  answerEach,
  type CausalLM,
  type PretrainedModel,
  type Sampling,
} from '@outrider/transformer'
import type { StepBatch } from '../loop/objective'

/** How its tokens are drawn. */
export type DrawSampling = Pick<Sampling, 'temperature' | 'topK' | 'topP' | 'seed'>

export interface DrawOptions extends DrawSampling {
  /** Of the batch in its run: another one draws other tokens from the same prompts. */
  number: number
}

/**
 * The rows of a batch, with an answer of the model's own in place of the one that they have: the tokens before it are the prompt,
 * what comes after it is left out, and it is as long at most. Of a row of several answers one is drawn, a seeded choice each time,
 * behind those before it, which are not learnt again. A row that is learnt from its first token on has no prompt, as pretraining text:
 * such rows come as they are, in a batch of their own.
 *
 * @returns the drawn rows and the others, in their order; the batch itself where no row has a prompt
 */
export async function drawAnswers(
  model: PretrainedModel<CausalLM>,
  batch: Batch,
  { number, ...sampling }: DrawOptions,
): Promise<StepBatch[]> {
  const requests: (AnswerRequest & { place: number })[] = []
  const others: number[] = []
  for (let row = 0; row < batch.batchSize; row++) {
    const answers = answersOf(batch, row, model.config.contextLength)
    if (answers.length === 0) {
      others.push(row)
      continue
    }
    const seed = rowSeed(sampling.seed, number, row)
    const { begin, end } = answers[Math.floor(uniform01(seed, choiceCounter) * answers.length)]!
    const first = row * batch.length
    const prompt = [...batch.tokens.subarray(first, first + begin + 1)]
    requests.push({ ...sampling, seed, prompt, maxTokens: end - begin, place: requests.length })
  }
  if (requests.length === 0) return [batch]
  const drawn: Example[] = []
  for await (const { request, answer } of answerEach(model, requests, { size: requests.length })) {
    const { prompt, place } = request
    drawn[place] = {
      tokens: [...prompt, ...answer.tokens],
      lossMask: [...prompt.map(() => 0), ...answer.tokens.map(() => 1)],
    }
  }
  const batches: StepBatch[] = [{ ...toBatch(drawn), drawn: true }]
  if (others.length > 0) batches.push(rowsOf(batch, others))
  return batches
}

/** Beyond the tokens of any answer, which are drawn with the counters from 0 on. */
const choiceCounter = 2 ** 40

/** The answers of a row behind a prompt that leaves room for one: runs of positions that count, as [begin, end). */
function answersOf({ lossMask, length }: Batch, row: number, contextLength: number): { begin: number; end: number }[] {
  const counts = lossMask.subarray(row * length, (row + 1) * length)
  const answers: { begin: number; end: number }[] = []
  for (let begin = 0; begin < length; begin++) {
    if (counts[begin] === 0) continue
    let end = begin
    while (end < length && counts[end] !== 0) end++
    if (begin > 0 && begin + 1 < contextLength) answers.push({ begin, end })
    begin = end
  }
  return answers
}

/** A seed of the row's own, of 48 bits. */
function rowSeed(seed: number, batch: number, row: number): number {
  const [high, low] = [0, 1].map((half) => uniform01(seed, (batch * 2 ** 16 + row) * 2 + half))
  return Math.floor(high! * 2 ** 24) * 2 ** 24 + Math.floor(low! * 2 ** 24)
}

function rowsOf({ tokens, labels, lossMask, length }: Batch, rows: readonly number[]): Batch {
  const picked = <T extends Uint32Array | Float32Array>(values: T, into: T): T => {
    for (const [i, row] of rows.entries()) into.set(values.subarray(row * length, (row + 1) * length), i * length)
    return into
  }
  const size = rows.length * length
  return {
    tokens: picked(tokens, new Uint32Array(size)),
    labels: picked(labels, new Uint32Array(size)),
    lossMask: picked(lossMask, new Float32Array(size)),
    batchSize: rows.length,
    length,
  }
}
