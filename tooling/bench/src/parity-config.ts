import type { ModelConfig } from '@outrider/transformer'
import { common } from './peers'

const { d, layers, heads, seq, vocab, ff } = common.parity

/** The model that training steps are compared on. */
export const parityConfig: ModelConfig = {
  architecture: 'llama',
  vocabularySize: vocab,
  hiddenSize: d,
  intermediateSize: ff,
  layers,
  heads,
  kvHeads: heads,
  headDim: d / heads,
  contextLength: seq,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: false,
  eosTokenIds: [0],
  initializerRange: 0.02,
}
