import type { LogEntry } from '@outrider/training'
import type { Failure } from '../failure'
import type { BlocksState } from './blocks'
import type { AlignPlan, StageName } from './plan'
import type { Stages } from './progress'
import { plannedRows, type StoredProgress } from './store'
import type { DraftState } from './trained-draft'

/**
 * - `none`: nothing is stored for the target, or there is no target
 * - `paused`: a run is there and goes on when it is told to; `failure` says why, where it was not the user
 * - `full`: it waits for room in the browser's storage
 */
export type AlignPhase = 'none' | 'starting' | 'running' | 'pausing' | 'full' | 'paused' | 'done'

/** The alignment as the page shows it. */
export interface AlignState {
  phase: AlignPhase
  plan: AlignPlan | undefined
  stage: StageName
  stages: Stages
  history: Record<'pretrain' | 'distil', LogEntry[]>
  failure: Failure | undefined
  /** Of which rows not all is learned, and why: sentences. */
  leftOut: readonly string[]
  /** Checkpoints are kept in memory only, as the storage is full. */
  unsaved: boolean
  /** A copy of the draft that proposes a block in one pass; undefined before it is asked for. */
  blocks: BlocksState | undefined
  /** The draft as it is now. */
  draft: DraftState | undefined
}

const nothing = { done: 0, total: 0 }

export const noAlignment = (): AlignState => ({
  phase: 'none',
  plan: undefined,
  stage: 'generate',
  stages: { generate: nothing, pretrain: nothing, distil: nothing },
  history: { pretrain: [], distil: [] },
  failure: undefined,
  leftOut: [],
  unsaved: false,
  blocks: undefined,
  draft: undefined,
})

/** What a run that is stored looks like. */
export function storedState(plan: AlignPlan, { done, history }: StoredProgress): Partial<AlignState> {
  return {
    plan,
    stages: {
      generate: { done: done.generate, total: plannedRows(plan) },
      pretrain: { done: done.pretrain, total: plan.pretraining.steps },
      distil: { done: done.distil, total: plan.distillation.steps },
    },
    stage: done.distil > 0 ? 'distil' : done.pretrain > 0 ? 'pretrain' : 'generate',
    history,
  }
}
