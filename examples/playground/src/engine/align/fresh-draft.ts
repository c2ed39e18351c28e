import { createDraft, type PretrainedModel } from '@outrider/transformer'
import type { AlignPlan } from './plan'

/**
 * An untrained draft of a plan. One of the same shape that is there already is made so in place, so that whoever decodes
 * with it can go on.
 */
export function freshDraft(
  { draft: shape, seed }: AlignPlan,
  target: PretrainedModel,
  present: PretrainedModel | undefined,
): PretrainedModel {
  const fresh = createDraft(target, { ...shape, seed })
  if (!present || JSON.stringify(present.config) !== JSON.stringify(fresh.config)) return fresh
  for (const [name, tensor] of Object.entries(present.model.parameters))
    fresh.model.device.copy(fresh.model.parameters[name]!, 0, tensor, 0, tensor.size)
  fresh.dispose()
  return present
}
