import type { SpeculationFigures, SpeculationMetrics } from '@outrider/speculative'
import { type Pace, tokensPerSecond } from './pace'

/**
 * The figures of answers to prompts that were answered plainly, too: both rates and the speed-up are measured. Of prompts that were
 * answered at once, rates are those of all together; whether it pays is what they say, and what costs of single sequences say of
 * that is null.
 */
export interface EvaluationFigures extends SpeculationFigures {
  prompts: number
  /** Tokens after the first of each answer. */
  tokens: number
  /** Of the same prompts, decoded plainly in turns. */
  plainTokensPerSecond: number
  /** The one rate over the other; null where plain decoding has none. */
  speedUp: number | null
  /** τ / (1 + cγ) with the measured c: the speed-up if a pass over a block took no longer than a plain one. */
  expectedSpeedUp: number | null
  /** What of it is left when it is measured. */
  speedUpShare: number | null
}

/** The category of all prompts together, and the task of a row over all tasks. */
export const allTasks = 'all'

/**
 * Rates and speed-up are those measured while answering; the first token of each answer, which waits for the prompt, is left out.
 *
 * @param options.isTogether  whether several prompts were answered at once, so that steps cost something else. Default false
 */
export function figuresOf(
  metrics: SpeculationMetrics,
  plain: Pace | undefined,
  speculative: Pace | undefined,
  { isTogether = false }: { isTogether?: boolean } = {},
): EvaluationFigures {
  const plainRate = tokensPerSecond(plain)
  const rate = tokensPerSecond(speculative)
  const speedUp = plainRate > 0 ? rate / plainRate : null
  const expected = isTogether ? null : metrics.expectedSpeedUp
  return {
    prompts: speculative?.answers ?? 0,
    tokens: speculative?.tokens ?? 0,
    ...metrics.figures,
    ...(isTogether && {
      breakEvenAcceptanceRate: null,
      neededAcceptanceLength: null,
      pays: speedUp === null ? null : speedUp > 1,
    }),
    tokensPerSecond: rate,
    plainTokensPerSecond: plainRate,
    speedUp,
    expectedSpeedUp: expected,
    speedUpShare: speedUp !== null && expected ? speedUp / expected : null,
  }
}
