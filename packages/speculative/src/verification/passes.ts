import { samplingDistribution, type Tensor, uniform01 } from '@outrider/tensor'
import type { Sampling } from '@outrider/transformer'
import type { Draft } from '../drafter/drafter'
import type { VerificationRule } from './rule'

/**
 * The verdict on a draft, for `readVerdict`.
 *
 * @param options.uniforms  f32 [γ + 1]
 */
export function judged(
  { tokens, probabilities, count }: Draft,
  logits: Tensor,
  { sampling, verification, uniforms }: { sampling: Sampling; verification: VerificationRule; uniforms: Tensor },
): Tensor {
  const target = samplingDistribution(logits, sampling)
  return verification.verify({ draft: probabilities, target, tokens, uniforms, count })
}

/** Numbers `counter`, `counter` + 1, … of a seed, in [0, 1). */
export const uniforms = (count: number, seed: number, counter: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => uniform01(seed, counter + i))
