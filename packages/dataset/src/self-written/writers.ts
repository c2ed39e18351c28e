import { answerEach, type FinishReason } from '@outrider/transformer'
import type { ContinuingTarget } from '../endpoint/continuations'
import type { Speaker } from '../tokenize/example'
import type { SelfWrittenOptions } from './self-written'

/** What a target is to go on from, and how. */
export interface Attempt {
  attempt: number
  opening: string
  category: string | undefined
  prompt: number[]
  maxTokens: number
  stop: readonly string[]
  temperature: number
  topP: number
  topK: number | undefined
  /** 52 bits. */
  seed: number
}

interface WentOn {
  request: Attempt
  said: string
  finishReason: FinishReason
}

interface How {
  endIds: readonly number[]
  size: number | undefined
  signal: AbortSignal | undefined
  onTokens: (tokens: { read: number; generated: number }) => void
}

/** Has a target go on from the beginning of each attempt, in the order in which they end. */
export async function* wentOn(
  { target, speaker }: { target: SelfWrittenOptions['target']; speaker: Speaker },
  attempts: Generator<Attempt>,
  how: How,
): AsyncGenerator<WentOn, void, undefined> {
  if ('kind' in target) {
    yield* elsewhere(target, speaker, attempts, how)
    return
  }
  const { endIds, ...batch } = how
  const ending = { ...target, generationConfig: { ...target.generationConfig, eosTokenIds: [...endIds] } }
  for await (const { request, answer } of answerEach(ending, attempts, batch))
    yield { request, said: answer.text, finishReason: answer.finishReason }
}

/** Round by round: which attempts there still are depends on what was kept. One that the engine refuses is one that did not end. */
async function* elsewhere(
  target: ContinuingTarget,
  { tokenizer }: Speaker,
  attempts: Generator<Attempt>,
  { endIds, size = 16, signal, onTokens }: How,
): AsyncGenerator<WentOn, void, undefined> {
  for (;;) {
    const round: Attempt[] = []
    while (round.length < size) {
      const next = attempts.next()
      if (next.done) break
      round.push(next.value)
    }
    if (round.length === 0) return
    // Some engines take no longer seed.
    const asked = round.map((attempt) => ({ ...attempt, attempt, endIds, seed: attempt.seed % 2 ** 31 }))
    for await (const { request, answer } of target.continuations(asked, { concurrency: size, signal })) {
      if (answer) onTokens({ read: answer.usage.prompt, generated: answer.usage.completion })
      yield {
        request: request.attempt,
        said: answer?.tokens ? tokenizer.decode(answer.tokens, { skipSpecialTokens: true }) : (answer?.text ?? ''),
        finishReason: answer?.finishReason ?? 'length',
      }
    }
  }
}
