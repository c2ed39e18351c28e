import { samplingDistribution, type Tensor, uniform01 } from '@outrider/tensor'
import type { Sampling } from '@outrider/transformer'
import { oneHot } from '../drafter/probability-rows'
import { greedyVerdict } from './greedy-verdict'
import type { VerificationRule } from './rule'

/** A draft on the device, and p, which is 1 for each of its tokens where it is left out. */
export interface ToJudge {
  /** u32 [γ]. */
  tokens: Tensor
  /** p, f32 [γ, V]. */
  probabilities?: Tensor | undefined
  /** How many of the tokens are proposed, u32 [1]; all where it is left out. */
  count?: Tensor | undefined
}

/**
 * The verdict on a draft, for `readVerdict`.
 *
 * @param options.uniforms  f32 [γ + 1]
 */
export function judged(
  { tokens, probabilities, count }: ToJudge,
  logits: Tensor,
  { sampling, verification, uniforms }: { sampling: Sampling; verification: VerificationRule; uniforms: Tensor },
): Tensor {
  if (!probabilities && sampling.temperature === 0)
    return greedyVerdict(verification, logits, { tokens, uniforms, count })
  const q = samplingDistribution(logits, sampling)
  return verification.verify({ p: probabilities ?? oneHot(tokens, q.shape.at(-1)!), q, tokens, uniforms, count })
}

/** Numbers `counter`, `counter` + 1, … of a seed, in [0, 1). */
export const uniforms = (count: number, seed: number, counter: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => uniform01(seed, counter + i))
