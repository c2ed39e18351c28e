/** What the other packages of Outrider take beside the public entry. It may change in any release. */
export { isTracked, withoutGradients } from './autograd/tape'
export { type Advance, counter, position } from './device/advancing'
export { sizeClass as bufferBytes } from './device/buffer-pool'
export { isOnCpu } from './device/capabilities'
export type { MatrixUnit } from './device/matrix-units'
export type { Recording } from './device/recording'
export { isFormat, storedBytes } from './dtype'
export { floatToHalf, halfToFloat } from './formats/half'
export { type Format, type FormatName, formats } from './formats/index'
export { nearest } from './nearest'
export { blockedWidth, cacheBlock } from './operations/attention/blocked-cache'
export {
  type AttentionPartsName,
  decodingLanes,
  flashQueries,
  flashShape,
  partNames,
  selectSpan,
  unlimited,
} from './operations/attention/select'
export { spanOf } from './operations/attention/span'
export { coveredPlaces, coveredTokens, ofCovered, writeCovered } from './operations/head/covered-ids'
export { type HeadGradients, headGradients, rowLogits } from './operations/head/head'
export { firstColumns } from './operations/layout/slice'
export {
  matricesLinearBytes,
  matricesLinearDepth,
  matricesLinearParts,
  matricesLinearPlan,
  matricesLinearProducts,
  matricesLinearSide,
} from './operations/matmul/matrices-plan'
export { dotPlan, outerPlan } from './operations/matmul/select'
export { skinnyPlan } from './operations/matmul/skinny-plan'
export {
  linearDepth,
  matmulDepth,
  type TileName,
  tileBytes,
  tileLanes,
  tileNames,
  tileShapes,
} from './operations/matmul/tile-shapes'
export { noLogit, noToken } from './operations/reduce/no-logit'
export { packHalves, unpackHalves } from './operations/rows/halves'
export { rowVectors, rowVectorsFor, runOverRowVectors, vectorsOf } from './operations/rows/row-vectors'
export { countTokens, inPrompt, type Penalties, processLogits } from './operations/sampling/process-logits'
export { normalPair, philox, philoxRandom, splitWords } from './random/philox'
export {
  type AttentionHeads,
  attentionKey,
  choiceKey,
  KernelChoices,
  type LinearWeights,
  type TunedKernelName,
  type TunedKernels,
  takesChoice,
} from './tuning/kernel-choices'
export {
  type TunedWeights,
  type TuneOptions,
  type TuneProblem,
  type TuneProgress,
  type Tuning,
  tune,
} from './tuning/tune'
export { type AttentionCandidate, attentionProblems, tuneAttention } from './tuning/tune-attention'
export { type LinearCandidate, linearProblems, tuneLinear } from './tuning/tune-linear'
export { type MatmulCandidate, matmulProblems, type TrainedWeights, tuneMatmul } from './tuning/tune-matmul'
