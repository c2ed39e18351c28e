export {
  type Block,
  SpeculativeDecoder,
  type SpeculativeDecoderOptions,
  type SpeculativeGenerateOptions,
  type Target,
  type TextPiece,
  type TokenSource,
} from './decoder'
export { type AutoDraftLengthOptions, autoDraftLength } from './draft-length/auto'
export { declaredCosts } from './draft-length/declared-costs'
export { breakEvenAcceptance, expectedTokens } from './draft-length/expected-tokens'
export { type BlockObservation, type DraftLengthPolicy, fixedDraftLength, maxDraftLength } from './draft-length/policy'
export { blockSeconds, costRatio, type StepCosts, targetPassSeconds } from './draft-length/step-costs'
export type { Draft, Drafter, DraftRequest, DraftSession, SessionOptions } from './drafter/drafter'
export { modelDrafter } from './drafter/model-drafter'
export { type PromptLookupOptions, promptLookup } from './drafter/prompt-lookup'
export { figuresJson, type InJson, type SpeculationFigures, type SpeculationReport } from './figures'
export type { MeasuringOptions } from './measuring/in-turns'
export { type BlockTimes, type MeasureBlocksOptions, measureBlocks } from './measuring/measure-blocks'
export { type MeasureCostsOptions, measureCosts } from './measuring/measure-costs'
export { type BlockRecord, SpeculationMetrics } from './metrics'
export { verifyBlock } from './verification/block'
export type { Verdict, Verification, VerificationInput } from './verification/rule'
export { verifyTokens } from './verification/token'
export { type BlockVerdict, readVerdict, type VerifyInput, verify } from './verification/verify'
