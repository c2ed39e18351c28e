import {
  type Drafter,
  type DraftStop,
  SpeculationMetrics,
  type StepCosts,
  type Verification,
} from '@outrider/speculative'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'

/** A draft, and how it is used. */
export interface Contender {
  /** A model, or anything else that drafts. */
  draft: PretrainedModel<CausalLM> | Drafter
  draftLength: number | 'auto'
  /** Where its drafts end early. */
  draftStop?: DraftStop | 'auto' | undefined
  /** Default 'block'. */
  verification?: Verification
  /** What steps cost, where that has been measured. */
  costs?: StepCosts | undefined
}

/** Parameters of a draft over those of its target. */
export const parameterRatioOf = (draft: Contender['draft'], target: PretrainedModel<CausalLM>): number =>
  ('open' in draft ? draft : draft.model).parameterCount / target.model.parameterCount

/** What counts a contender's blocks. */
export const metricsFor = ({ draft, costs }: Contender, target: PretrainedModel<CausalLM>): SpeculationMetrics =>
  new SpeculationMetrics({ parameterRatio: parameterRatioOf(draft, target), costs })
