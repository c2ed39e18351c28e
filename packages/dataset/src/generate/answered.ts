import { answerEach, decodesOpenly, type FinishReason } from '@outrider/transformer'
import type { GenerateDatasetOptions } from './generate-dataset'
import { type RowRequest, seedOf, shortSeedOf } from './row-requests'

/** What a target made of a row that was asked for. */
export interface Answered {
  row: RowRequest
  /** Its place among those that were asked for. */
  turn: number
  /** The tokens that it answers; undefined where an endpoint does not say them. */
  prompt: readonly number[] | undefined
  /** Undefined where the endpoint gave none: `failure` says why. */
  answer: { text: string; finishReason: FinishReason; tokens: number[] | undefined } | undefined
  failure?: string
  /** Bits of f16 [tokens, hidden]: what the answer was said from. */
  hidden?: Uint16Array | undefined
}

type Asking = Pick<GenerateDatasetOptions, 'target' | 'draft' | 'topK' | 'onStates' | 'signal'> & {
  topP: number
  maxTokens: number
  batchSize: number
  /** Whether an id is of a row of the dataset. */
  isRow: (id: string) => boolean
  onTokens: (tokens: { read: number; generated: number }) => void
}

/** Has the target answer, in the order in which answers end. */
export async function* answered(missing: readonly RowRequest[], asking: Asking): AsyncGenerator<Answered> {
  const { target, draft, topP, topK, maxTokens, batchSize, signal, isRow, onTokens } = asking
  if (missing.length === 0) return
  if ('kind' in target) {
    const asked = missing.map((row, turn) => {
      const { id, messages, temperature } = row
      return { id, row, turn, messages, temperature, topP, maxTokens, seed: shortSeedOf(row.asked) }
    })
    for await (const said of target.answers(asked, { topK, concurrency: batchSize, signal, isRow })) {
      const { row, turn } = said.request
      if (!said.answer) yield { row, turn, prompt: undefined, answer: undefined, failure: said.failure }
      else {
        onTokens({ read: said.answer.usage.prompt, generated: said.answer.usage.completion })
        yield { row, turn, prompt: said.answer.prompt, answer: said.answer }
      }
    }
    return
  }
  const asked = missing.map((row, turn) => {
    const { prompt, temperature } = row
    return { row, turn, prompt, temperature, seed: seedOf(row.asked), maxTokens, topP, topK }
  })
  const answering = { size: batchSize, signal, onTokens }
  const hiddenStates = asking.onStates !== undefined && decodesOpenly(target.model)
  const answers = draft
    ? draft.answerEach(target, asked, answering)
    : answerEach(target, asked, { ...answering, hiddenStates })
  for await (const { request, answer } of answers)
    yield { row: request.row, turn: request.turn, prompt: request.prompt, answer, hidden: answer.hidden }
}
