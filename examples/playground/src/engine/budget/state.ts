import type { Measured, Plan, Stage, TaskFigures } from '@outrider/align'
import type { LogEntry } from '@outrider/training'
import type { StageProgress } from '../align/progress'
import type { DraftState } from '../align/trained-draft'
import type { Failure } from '../failure'

/**
 * - `none`: nothing is stored for the target, or there is no target that was opened
 * - `refused`: what is stored under its name is another model's run, or cannot be read; `failure` says which
 * - `declined`: it was looked at, no draft can pay here, and nothing was trained
 * - `paused`: a run is there and goes on when it is told to; `failure` says why, where it was not the user
 * - `full`: it waits for room in the browser's storage
 */
export type BudgetPhase =
  | 'none'
  | 'refused'
  | 'declined'
  | 'starting'
  | 'running'
  | 'pausing'
  | 'full'
  | 'paused'
  | 'done'

/** A stage as the page shows it. */
export interface BudgetStage {
  isDone: boolean
  /** What it does and why; undefined before there is a plan. */
  text: string | undefined
  /** Seconds that it is to take by the plan, or that it took. */
  seconds: number | undefined
  /** The work at hand within it: what it is called, how far it is, and what is told of it. */
  work: { label: string; unit: string; progress: StageProgress; note: string | undefined } | undefined
}

/** What training has logged: a part for pretraining, and one for each loss. */
export interface LoggedTraining {
  pretrain: LogEntry[]
  distill: LogEntry[][]
}

/** A run by a time budget, as the page shows it. */
export interface BudgetState {
  phase: BudgetPhase
  plan: Plan | undefined
  /** The plan's draft and its time, in words. */
  planned: { draft: string; time: string } | undefined
  /** Whether a draft of some shape could pay; undefined before that is known. */
  canPay: boolean | undefined
  stage: Stage | undefined
  stages: Record<Stage, BudgetStage>
  /** What is being done besides: a line. */
  note: string | undefined
  warnings: readonly string[]
  logged: LoggedTraining
  /** What was measured in the end, over all tasks. */
  ways: Measured['rows']
  /** The same by task, where tasks could be told apart. */
  tasks: readonly TaskFigures[]
  verdict: string | undefined
  failure: Failure | undefined
  /** What is written goes to memory only, as the storage is full. */
  unsaved: boolean
  /** Whether there is a table of the target's answers, which Chat may draft from. */
  hasTable: boolean
  draft: DraftState | undefined
  /** What the draft is called as a folder. */
  draftName: string
}

const waiting: BudgetStage = { isDone: false, text: undefined, seconds: undefined, work: undefined }

export const noBudgetRun = (draftName = ''): BudgetState => ({
  phase: 'none',
  plan: undefined,
  planned: undefined,
  canPay: undefined,
  stage: undefined,
  stages: { look: waiting, generate: waiting, pretrain: waiting, distill: waiting, evaluate: waiting },
  note: undefined,
  warnings: [],
  logged: { pretrain: [], distill: [] },
  ways: [],
  tasks: [],
  verdict: undefined,
  failure: undefined,
  unsaved: false,
  hasTable: false,
  draft: undefined,
  draftName,
})
