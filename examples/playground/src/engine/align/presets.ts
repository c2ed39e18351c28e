import type { AlignPlan } from './plan'

export const draftSizes = ['small', 'medium', 'large'] as const
export type DraftSize = (typeof draftSizes)[number]

export const budgets = ['quick', 'standard', 'thorough'] as const
export type Budget = (typeof budgets)[number]

/** What a plan's sizes depend on. */
export interface PlannedTarget {
  isBundled: boolean
  hiddenSize: number
  headDim: number
  contextLength: number
}

/** Width as a share of the target's, at most, and layers. */
const sizes = {
  small: { share: 0.5, most: 128, layers: 1 },
  medium: { share: 0.75, most: 256, layers: 1 },
  large: { share: 1, most: 512, layers: 2 },
} as const satisfies Record<DraftSize, object>

/** The middle one is that of `outrider demo`, minutes on two cores without a GPU. */
const work = {
  quick: { instructions: 32, heldOut: 6, pretraining: 60, distillation: 40 },
  standard: { instructions: 100, heldOut: 8, pretraining: 170, distillation: 85 },
  thorough: { instructions: 300, heldOut: 16, pretraining: 600, distillation: 400 },
} as const satisfies Record<Budget, object>

/** A draft's shape: as many heads, as wide as the target's, as come nearest to the share. */
export function draftShape({ hiddenSize, headDim }: PlannedTarget, size: DraftSize): AlignPlan['draft'] {
  const { share, most, layers } = sizes[size]
  const heads = Math.max(1, Math.round(Math.min(hiddenSize * share, most) / headDim))
  return { layers, hiddenSize: heads * headDim }
}

/** What a plan is before anyone changes it. */
export function presetPlan(target: PlannedTarget, size: DraftSize, budget: Budget): AlignPlan {
  const draft = draftShape(target, size)
  const { instructions, heldOut, pretraining, distillation } = work[budget]
  const length = Math.min(target.isBundled ? 72 : 128, target.contextLength)
  return {
    draft,
    data: target.isBundled ? 'small-world' : 'everyday',
    generation: { instructions, heldOut, maxTokens: Math.min(48, length) },
    pretraining: { steps: pretraining },
    distillation: { steps: distillation, loss: { kind: 'built-in', name: 'tvd++' }, attempt: 0 },
    batchSize: 8,
    length,
    // What suits the demo's draft of width 48, and less for wider ones.
    learningRate: Number((8e-3 * Math.sqrt(48 / draft.hiddenSize)).toPrecision(2)),
    seed: 1,
  }
}
