export { type Aligned, type AlignOptions, align, planTime, whatFor } from './align'
export { byTask, type TaskFigures } from './by-task'
export {
  type CardData,
  type CardDraft,
  type CardFacts,
  type CardFigures,
  type CardStage,
  type CardTarget,
  type CardTask,
  measuredElsewhere,
  modelCard,
  modelCardFile,
  type Origin,
  readOrigin,
} from './card/index'
export { type Ceiling, ceilings } from './look/ceiling'
export { candidateShapes, type DraftShape, shapeName } from './look/draft-shape'
export { type Candidate, canPay, type Look, type LookOptions, look } from './look/look'
export { makePlan, type PlanOptions } from './plan/make-plan'
export {
  type Asked,
  type EndpointIdentity,
  elsewhereOf,
  type Plan,
  type PlannedTarget,
  type Stage,
  stages,
  type TrainingPlan,
} from './plan/plan'
export { planFile, readPlan, runFolder } from './plan/stored-plan'
export type { Finished, ResultStage, StageResults } from './results'
export type { Phase } from './stages/distill'
export { figuresOfWay, type Measured } from './stages/evaluate'
export type { Generated } from './stages/generate'
export type { Pretrained } from './stages/pretrain'
export type { AlignEvent, Figure } from './stages/run'
export { type Way, ways } from './stages/ways'
export type { AlignTarget, TargetElsewhere } from './teacher/target-elsewhere'
export { verdict } from './verdict'
export type { CardOptions } from './write-card'
