export { type DraftedAnswers, type DraftedAnswersOptions, draftedAnswers } from './batch/drafted-answers'
export { type SequenceDraftLengthOptions, sequenceDraftLength } from './batch/sequence-draft-length'
export { SpeculativeBatch, type SpeculativeBatchOptions } from './batch/speculative-batch'
export type { SequenceBlock, SpeculativeJoinOptions, SpeculativeSequence } from './batch/speculative-sequence'
export type { Block, TextPiece, TokenSource } from './block'
export {
  SpeculativeDecoder,
  type SpeculativeDecoderOptions,
  type SpeculativeGenerateOptions,
  type Target,
} from './decoder'
export { type AutoDraftLengthOptions, autoDraftLength } from './draft-length/auto'
export { declaredCosts } from './draft-length/declared-costs'
export { breakEvenAcceptance, expectedTokens } from './draft-length/expected-tokens'
export {
  type BlockObservation,
  type DraftChoice,
  type DraftLengthPolicy,
  fixedDraftLength,
  maxDraftLength,
} from './draft-length/policy'
export {
  type BatchStepSeconds,
  blockSeconds,
  costRatio,
  draftPassSeconds,
  type PassSeconds,
  type StepCosts,
  targetPassSeconds,
} from './draft-length/step-costs'
export { answerLookup } from './drafter/answer-lookup'
export { AnswerTable, type AnswerTableOptions, type Vocabulary } from './drafter/answer-table'
export type { DraftStop } from './drafter/draft-stop'
export type {
  Draft,
  Drafter,
  DraftRequest,
  DraftSession,
  DrawnDraft,
  KnownDraft,
  Offer,
  SessionOptions,
} from './drafter/drafter'
export type { DraftGroup, DraftsTogether } from './drafter/drafts-together'
export { firstOf } from './drafter/first-of'
export { LookupGain } from './drafter/lookup-gain'
export { madeUpDrafts } from './drafter/made-up-drafts'
export { type ModelDrafterOptions, modelDrafter } from './drafter/model-drafter'
export { type PromptLookupOptions, promptLookup } from './drafter/prompt-lookup'
export {
  type DrafterFigures,
  figuresJson,
  type InJson,
  type SpeculationFigures,
  type SpeculationReport,
} from './figures'
export type { MeasuringOptions } from './measuring/in-turns'
export { type MeasureBatchStepsOptions, measureBatchSteps } from './measuring/measure-batch-steps'
export { type BlockTimes, type MeasureBlocksOptions, measureBlocks } from './measuring/measure-blocks'
export { type MeasureCostsOptions, measureCosts } from './measuring/measure-costs'
export { type BlockRecord, SpeculationMetrics } from './metrics'
export { blockVerification } from './verification/block'
export { type Verification, type VerificationName, verificationNames, verificationRule } from './verification/by-name'
export { defineVerification, type VerificationDefinition } from './verification/define-verification'
export { drawFrom, residual } from './verification/draw'
export type { Verdict, VerificationInput, VerificationRule, VerifyInput } from './verification/rule'
export { tokenVerification } from './verification/token'
export { type BlockVerdict, readVerdict } from './verification/verify'
