import { measureCosts, modelDrafter, type SpeculationMetrics } from '@outrider/speculative'
import { type PretrainedModel, resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { type Pace, tokensPerSecond } from './speculation'

/** What steps of the two models cost, measured before anything else: it also compiles their kernels. */
export const stepCosts = (target: PretrainedModel, draft: PretrainedModel, sampling: SamplingOptions) =>
  measureCosts({
    target: target.model,
    drafter: modelDrafter(draft.model),
    sampling: resolveSampling(sampling),
  })

/** The figures of one category, in the names that scripts rely on: vLLM's, the paper's, and the measured rates. */
export interface EvaluationFigures extends ReturnType<SpeculationMetrics['toJSON']> {
  prompts: number
  /** Tokens after the first of each answer. */
  tokens: number
  speed_up: number | null
  /** τ / (1 + cγ) with the measured c: the speed-up if a pass over a block took no longer than a plain one. */
  expected_speed_up: number | null
  /** What of it is left when it is measured. */
  speed_up_share: number | null
}

/** Rates and speed-up are those measured while answering; the first token of each answer, which waits for the prompt, is left out. */
export function figuresOf(
  metrics: SpeculationMetrics,
  plain: Pace | undefined,
  speculative: Pace | undefined,
): EvaluationFigures {
  const plainRate = tokensPerSecond(plain)
  const rate = tokensPerSecond(speculative)
  const speedUp = plainRate > 0 ? rate / plainRate : null
  const expected = metrics.expectedSpeedUp
  return {
    prompts: speculative?.answers ?? 0,
    tokens: speculative?.tokens ?? 0,
    ...metrics.toJSON(),
    tokens_per_second: rate,
    plain_tokens_per_second: plainRate,
    speed_up: speedUp,
    expected_speed_up: expected,
    speed_up_share: speedUp !== null && expected ? speedUp / expected : null,
  }
}
