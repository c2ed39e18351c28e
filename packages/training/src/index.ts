export {
  latestCheckpoint,
  loadCheckpoint,
  type Resumption,
  recordFile as runRecord,
  resumptionWarnings,
  saveCheckpoint,
  type TrainerState,
  wholeCheckpoint,
} from './checkpoint/checkpoints'
export type { RunIdentity } from './checkpoint/run-identity'
export { type StoredRun, storedRun } from './checkpoint/stored-run'
export { type SimulatedBlocks, simulatedAcceptanceLength, simulatedBlocks } from './evaluation/acceptance'
export { evaluate } from './evaluation/evaluate'
export { type HeldOutFigure, heldOutFigure, heldOutFigures, type KeepBestOptions } from './loop/best-of-run'
export { type DistillationOptions, type DistillationSettings, distill, distillation } from './loop/distill'
export { topTokenDistillation } from './loop/distill-from-shards'
export type { LogEntry, OnPolicyFigures } from './loop/log'
export { type DeviceBatch, type MeasuredBlocks, type Objective, type StepBatch, toDevice } from './loop/objective'
export { nextToken, type PretrainingOptions, pretrain } from './loop/pretrain'
export { type Precision, type TrainingOptions, type TrainingProgress, type TrainingResult, train } from './loop/train'
export type { OnPolicyOptions } from './on-policy/on-policy'
export { AdamW, type AdamWOptions } from './optimizer/adamw'
export { gradientNorm } from './optimizer/gradient-norm'
export type { PositionFigures } from './parallel/figures'
export { type ParallelOptions, type PositionWeighting, positionWeightings } from './parallel/options'
export type { LossScaleOptions, LossScalerState } from './precision/loss-scaler'
export { type LearningRateOptions, learningRate } from './schedule/learning-rate'
export { type HiddenStateFiles, openHiddenStates } from './states/hidden-state-files'
export type { HostBatch, Reading } from './states/read-positions'
export {
  type StatesOfBatch,
  TargetStates,
  type TargetStatesFigures,
  type TargetStatesOptions,
} from './states/target-states'
export type { TopTokenTarget } from './states/top-token-states'
