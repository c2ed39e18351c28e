import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import type { FinishReason } from './answer'
import type { AnsweringBatch } from './answering-batch'
import { type BatchSequence, ContinuousBatch, type ContinuousBatchOptions } from './continuous-batch'
import { defaultMaxTokens, type GenerateOptions, throwIfAborted } from './generate'
import type { ScoredToken } from './log-probabilities'
import { ReadPrompt } from './read-prompt'

export interface AnswerRequest extends Omit<GenerateOptions, 'signal'> {
  /** Token ids (see `promptTokens`). Requests that follow one another and have one array, or equal ones, read it once. */
  prompt: readonly number[]
}

export interface BatchAnswer {
  /** Generated ids; an end token is the last of them. */
  tokens: number[]
  text: string
  finishReason: FinishReason
  /** With `logProbabilities`: what the model thought of each token. */
  scored?: ScoredToken[]
  /** With `hiddenStates`: those that each token was said from, row after row (see `BatchToken`). */
  hidden?: Uint16Array
}

export interface AnswerEachOptions extends ContinuousBatchOptions {
  /** Where they are answered, in place of a `ContinuousBatch` of the other options. It is empty afterwards. */
  batch?: AnsweringBatch | undefined
  /** Tokens read of prompts, and tokens generated, since it was told last: after every prompt and every step. */
  onTokens?: ((tokens: { read: number; generated: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Answers requests in a batch, in their order as soon as there is a place, and gives each answer as it ends. Each is
 * what `generate` gives for its prompt, sampling and seed alone, bit for bit; in a `batch` of another's, what that says. Memory holds
 * the requests that are being answered.
 *
 * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW as `generate` does, when the request's turn comes; DEVICE_LIMIT for one
 *   that does not fit even alone; ABORTED when the signal fires; NOT_FINITE where the model's logits are no numbers
 */
export async function* answerEach<R extends AnswerRequest>(
  pretrained: PretrainedModel<CausalLM>,
  requests: Iterable<R>,
  { batch: given, size, hiddenStates, onTokens, signal }: AnswerEachOptions = {},
): AsyncGenerator<{ request: R; answer: BatchAnswer }, void, undefined> {
  const batch = given ?? continuous(new ContinuousBatch(pretrained, { size, hiddenStates }))
  const waiting = new Waiting(requests)
  const answering = new Map<BatchSequence, { request: R; scored: ScoredToken[]; hidden: Uint16Array[] }>()
  let read: ReadPrompt | undefined
  const fits = ({ prompt, maxTokens = defaultMaxTokens }: R) =>
    batch.fits(Math.min(prompt.length + maxTokens, pretrained.config.contextLength))
  try {
    while (waiting.next || batch.count > 0) {
      let hasRead = false
      // One that does not fit into an empty batch is refused by it.
      for (let request = waiting.next; request && (batch.count === 0 || fits(request)); request = waiting.next) {
        throwIfAborted(signal)
        if (!read || !sameTokens(read.tokens, request.prompt)) {
          // Those who are there go on between two prompts, and are heard of.
          if (hasRead) break
          read?.dispose()
          read = undefined
          read = new ReadPrompt(pretrained, request.prompt, { hiddenStates })
          hasRead = true
          onTokens?.({ read: request.prompt.length, generated: 0 })
        }
        answering.set(batch.join(read, request), { request, scored: [], hidden: [] })
        waiting.take()
      }
      throwIfAborted(signal)
      const added = await batch.step()
      onTokens?.({ read: 0, generated: added.reduce((sum, { tokens }) => sum + tokens.length, 0) })
      for (const { sequence, scored = [], hidden } of added) {
        const asked = answering.get(sequence)!
        asked.scored.push(...scored)
        if (hidden) asked.hidden.push(hidden)
        const { tokens, text, finishReason } = sequence.answer
        if (!finishReason) continue
        answering.delete(sequence)
        const scores = asked.request.logProbabilities !== undefined && { scored: asked.scored }
        const states = hiddenStates && { hidden: joined(asked.hidden) }
        yield { request: asked.request, answer: { tokens, text, finishReason, ...scores, ...states } }
      }
    }
  } finally {
    read?.dispose()
    batch.dispose()
  }
}

/** A batch that adds a token a step. */
const continuous = (batch: ContinuousBatch): AnsweringBatch => ({
  get count() {
    return batch.count
  },
  fits: (tokens) => batch.fits(tokens),
  join: (prompt, options) => batch.join(prompt, options),
  dispose: () => batch.dispose(),
  async step() {
    const added = await batch.step()
    return added.map(({ sequence, token, scored, hidden }) => ({
      ...{ sequence, tokens: [token], hidden },
      ...(scored && { scored: [scored] }),
    }))
  },
})

/** Requests that have not begun, of which the first can be looked at. */
class Waiting<R> {
  readonly #requests: Iterator<R>
  #next: IteratorResult<R, unknown>

  constructor(requests: Iterable<R>) {
    this.#requests = requests[Symbol.iterator]()
    this.#next = this.#requests.next()
  }

  get next(): R | undefined {
    return this.#next.done ? undefined : this.#next.value
  }

  take(): void {
    this.#next = this.#requests.next()
  }
}

function joined(rows: readonly Uint16Array[]): Uint16Array {
  const all = new Uint16Array(rows.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const row of rows) {
    all.set(row, at)
    at += row.length
  }
  return all
}

const sameTokens = (a: readonly number[], b: readonly number[]) =>
  a === b || (a.length === b.length && a.every((token, i) => token === b[i]))
