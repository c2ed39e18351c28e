import { measureCosts, modelDrafter, type StepCosts } from '@outrider/speculative'
import { createDraft, type PretrainedModel, resolveSampling } from '@outrider/transformer'
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
export const untrainedDraft = (target: PretrainedModel, shape: DraftShape): PretrainedModel =>
  createDraft(target, {
    ...shapeOptions(shape),
    ...(shape.vocabulary !== null && { vocabulary: Array.from({ length: shape.vocabulary }, (_, id) => id) }),
  })
