import { fixed } from '@outrider/evaluation'
import { costRatio } from '@outrider/speculative'
import { heldOutFigure } from '@outrider/training'
import type { Plan } from './plan/plan'
import type { StageResults } from './results'

/** Drafts of a block in the simulated acceptance length (`heldOutFigure`). */
const simulated = 3

/**
 * What came out of a run whose target is elsewhere, in one sentence: what a block would bring by what the target said of held-out
 * answers, and no more than that, as nothing was measured.
 */
export function verdictElsewhere(plan: Plan, { distill }: StageResults): string | null {
  const best = distill?.found.phases.at(-1)?.best
  const tokens = best && heldOutFigure(best, 'acceptance-length')
  if (!best || tokens === undefined || tokens === null) return null
  const costs = plan.look.candidates.find(({ shape }) => JSON.stringify(shape) === JSON.stringify(plan.draft))?.costs
  const c = costs && costRatio(costs)
  const gain =
    c === undefined ? '' : `, ${fixed(tokens / (1 + simulated * c))} times plain decoding at most (c = ${fixed(c, 4)})`
  return `By what the target said of held-out answers, it takes ${fixed(tokens)} tokens of a block of ${simulated} drafts (α ${fixed(best.eval_acceptance_rate ?? 0)}, both from above)${gain}; nothing was measured, which takes the target.`
}

/** What a run leaves out whose target is elsewhere, by name, with why. */
export const leftOutElsewhere = (hasEmbedding: boolean): readonly string[] => [
  'evaluate: the pair is measured where the target is',
  'on-policy answers: the target would have to read what the draft draws',
  ...(hasEmbedding
    ? []
    : ["the target's embedding as the draft's beginning (PCA): the target's weights are not in --target"]),
]
