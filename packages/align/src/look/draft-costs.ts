import { measureCosts, modelDrafter, type StepCosts } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { createDraft, type DraftTarget, type PretrainedModel, resolveSampling } from '@outrider/transformer'
import { type DraftShape, shapeOptions } from './draft-shape'

/** What passes cost beside a draft of this shape, which is made for it and freed: what it says is of no matter. */
export async function draftCosts(
  target: PretrainedModel,
  shape: DraftShape,
  options: { repetitions: number; signal?: AbortSignal | undefined },
): Promise<{ costs: StepCosts; parameters: number }> {
  const draft = untrainedDraft(target, shape)
  try {
    const drafter = modelDrafter(draft.model)
    const costs = await measureCosts({ target: target.model, drafter, sampling: resolveSampling(), ...options })
    return { costs, parameters: draft.model.parameterCount }
  } finally {
    draft.dispose()
  }
}

/** A draft of a shape with random weights, whose head has the first ids. */
export function untrainedDraft(target: DraftTarget, shape: DraftShape, device?: Device): PretrainedModel {
  const vocabulary = firstIds(shape)
  return createDraft(target, { ...shapeOptions(shape), ...(device && { device }), ...(vocabulary && { vocabulary }) })
}

/** As many as a trimmed draft of a shape covers. */
export const firstIds = ({ vocabulary }: DraftShape): number[] | undefined =>
  vocabulary === null ? undefined : Array.from({ length: vocabulary }, (_, id) => id)
