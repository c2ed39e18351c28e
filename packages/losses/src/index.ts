export { acceptanceRates } from './acceptance-rates'
export { lossByName, lossNames } from './builtin/by-name'
export { jsd } from './builtin/jsd'
export { klTvHybrid } from './builtin/kl-tv-hybrid'
export { kld } from './builtin/kld'
export { labelCrossEntropy } from './builtin/label-cross-entropy'
export { negativeLogAcceptance } from './builtin/negative-log-acceptance'
export { reverseKld } from './builtin/reverse-kld'
export { tvd } from './builtin/tvd'
export { type TvdPlusPlusOptions, tvdPlusPlus } from './builtin/tvd-plus-plus'
export { type ComposeOptions, composeLoss } from './compose-loss'
export { logNormalizers } from './covered-rates'
export {
  type CoveredStates,
  type DistillationInputs,
  type DistillationLoss,
  type DistillationResult,
  distillationLoss,
  distillationLossOfHeads,
  type HeadInputs,
  type HeadStates,
  pooledSums,
  pooledSumsOfHeads,
  type TopTokens,
  type WholeLogits,
} from './distillation-loss'
export type { RowLossDefinition, Scope } from './row-loss/definition'
export type { RowFigures } from './row-loss/of-heads'
export { defineRowLoss, type RowLoss, weightedSum } from './row-loss/row-loss'
export { rowMean } from './row-mean'
