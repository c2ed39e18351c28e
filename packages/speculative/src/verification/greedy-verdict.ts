import { argmax, defineKernel, linearWorkgroups, type Tensor } from '@outrider/tensor'
import idsToPlacesSource from './ids-to-places.wgsl'
import placesToIdsSource from './places-to-ids.wgsl'
import type { VerificationRule, VerifyInput } from './rule'

const idsToPlaces = defineKernel({ name: 'idsToPlaces', source: idsToPlacesSource })
const placesToIds = defineKernel({ name: 'placesToIds', source: placesToIdsSource })

/**
 * A rule's verdict on a draft that was not drawn, by a greedy target: p and q are each certain of one id a row, so that the rule
 * is asked about those ids alone, in a vocabulary of 2γ + 1 places, to the same words. Over all ids it takes a millisecond of a
 * processor for each row.
 *
 * @param logits  the target's, f32 [γ + 1, V]
 * @returns u32 [2 + 2γ] for `readVerdict`; the caller frees it
 */
export function greedyVerdict(
  rule: VerificationRule,
  logits: Tensor,
  { tokens, ...rest }: Pick<VerifyInput, 'tokens' | 'uniforms' | 'count'>,
): Tensor {
  const { device } = logits
  const draftLength = tokens.size
  const vocabulary = logits.shape.at(-1)!
  const columns = 2 * draftLength + 1
  using ids = argmax(logits, { logits: true }) // [γ + 1]
  using places = device.empty([draftLength], 'u32')
  using p = device.empty([draftLength, columns])
  using q = device.empty([draftLength + 1, columns])
  device.run(idsToPlaces, {
    bindings: { tokens, ids, places, p, q },
    params: { draftLength, vocabulary },
    workgroups: linearWorkgroups(Math.ceil(q.size / 64)),
  })
  using verdict = rule.verify({ p, q, tokens: places, ...rest })
  const result = device.empty(verdict.shape, 'u32')
  device.run(placesToIds, {
    bindings: { tokens, ids, verdict, result },
    params: { draftLength },
    workgroups: linearWorkgroups(Math.ceil(result.size / 64)),
  })
  return result
}
