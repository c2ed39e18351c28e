import type { ModelConfig } from '../config/index'

/** A Llama of two layers whose sizes all differ, so that none is taken for another; of 13 ids. */
export const smallConfig: ModelConfig = {
  architecture: 'llama',
  vocabularySize: 13,
  hiddenSize: 12,
  intermediateSize: 20,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  contextLength: 32,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: false,
  eosTokenIds: [],
  initializerRange: 0.3,
}
