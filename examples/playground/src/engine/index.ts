export type {
  AlignData,
  AlignPhase,
  AlignPlan,
  AlignState,
  BlockWay,
  Budget,
  Download,
  DraftFormat,
  DraftSize,
  DraftState,
  LossChoice,
  OwnData,
  StageName,
  StageProgress,
  WhenFull,
} from './align/index'
export type { BudgetPhase, BudgetStage, BudgetState, BudgetWish, LoggedTraining } from './budget/index'
export type { AnswerEnd, ChatBlock, ChatSettings } from './chat/index'
export type { Engine } from './engine'
export { EngineError, type Failure, failureOf } from './failure'
export type { InsideState, Profile } from './inside'
export type { ModelSource, Opened, OpenOptions, OpenProgress } from './models'
export type { CurrentDraft, Session } from './session'
export type { EngineState, ModelState } from './state'
export type { KeptChoices, TuningProgress, TuningResult } from './tuning'
