import { noToken } from '@outrider/tensor/internal'
import { notFiniteLogits } from '@outrider/transformer'
import { endedDraft } from './ended-draft'
import type { VerificationRule } from './rule'
import { type BlockVerdict, theDraft } from './verify'

/** A draft of which each token is certain, and what a greedy target says in its place. */
export interface IdsToJudge {
  /** The drafted ids, [γ]. */
  tokens: readonly number[]
  /** The target's likeliest after each of the first i of them, [γ + 1]; `noToken` where its logits are no numbers. */
  ids: readonly number[]
  /** As of the device's verdict, [γ + 1]. */
  uniforms: ArrayLike<number>
  /** How many of the tokens are proposed. Default all. */
  count?: number | undefined
  /** V. */
  vocabularySize: number
}

/**
 * A rule's verdict, as `greedyVerdict` has it of the device, where the ids have been read: p and q are certain of one id a row, so
 * that the rule's reference is asked in a vocabulary of these ids alone.
 *
 * @throws OutriderError NOT_FINITE where a row of draft or target was no distribution
 */
export function verdictOfIds(
  rule: VerificationRule,
  { tokens, ids, uniforms, count = tokens.length, vocabularySize }: IdsToJudge,
): BlockVerdict {
  const drafted = tokens.slice(0, count)
  for (let i = 0; i <= drafted.length; i++) {
    if (i < drafted.length && drafted[i]! >= vocabularySize) throw notFiniteLogits(theDraft)
    if (ids[i] === noToken) throw notFiniteLogits('The target')
  }
  const all = [...new Set([...tokens, ...ids])]
  const certain = (id: number) => all.map((other) => (other === id ? 1 : 0))
  const input = { p: tokens.map(certain), q: ids.map(certain), tokens: tokens.map((id) => all.indexOf(id)), uniforms }
  const { accepted, next } = rule.reference(endedDraft(input, drafted.length))
  const overlap = Float32Array.from(drafted, (id, i) => (id === ids[i] ? 1 : 0))
  return { accepted, next: all[next]!, drafted, computed: tokens.length, overlap }
}
