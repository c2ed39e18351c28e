import type { PositionFigures } from '../parallel/figures'

/** One line of a run's history, in the names of transformers' `log_history`. */
export interface LogEntry {
  step: number
  loss?: number
  learning_rate?: number
  grad_norm?: number
  /** What the loss was multiplied by, in mixed precision. */
  loss_scale?: number
  /** The step changed nothing: what was computed did not fit in f16 at this scale. */
  skipped?: true
  /** α, the mean over positions of Σ min(p, q), where there is a target. */
  acceptance_rate?: number
  /** Of a step of which the draft has drawn answers itself. */
  on_policy?: OnPolicyFigures
  /** Of a parallel draft. */
  parallel?: PositionFigures
  /** The loss's own statistics: TVD++'s σ, for one. */
  statistics?: Record<string, number>
  /** Figures of the held-out batches. */
  eval_loss?: number
  eval_acceptance_rate?: number
  /** Simulated acceptance length by draft length. */
  eval_acceptance_length?: Record<string, number>
  /** Of a parallel draft: its blocks by position. */
  eval_parallel?: PositionFigures
}

/** What of a step was on-policy, and how it went apart from the rest. */
export interface OnPolicyFigures {
  /** Of the step's positions that count, those of answers that the draft has drawn. */
  share: number
  /** α over these. */
  acceptance_rate?: number
  /** α over the others, where there are any. */
  data_acceptance_rate?: number
}
