import { concat, samplingDistribution, type Tensor, uniform01 } from '@outrider/tensor'
import type { CausalLM, KvCache, Sampling } from '@outrider/transformer'
import type { Draft } from '../drafter/drafter'
import type { VerificationRule } from './rule'

/**
 * The target's pass over a draft and the token before it.
 *
 * @param options.unread  that token, u32 [1, 1]
 * @returns logits after each of them, f32 [γ + 1, V]
 */
export function readDraft(
  target: CausalLM,
  { cache, unread, draft }: { cache: KvCache; unread: Tensor; draft: Draft },
): Tensor {
  const rows = draft.tokens.size + 1
  const tokens = concat([unread.reshape([1]), draft.tokens]).reshape([1, rows])
  const logits = target.forward(tokens, { cache }) // [1, γ + 1, V]
  return logits.reshape([rows, logits.size / rows])
}

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
