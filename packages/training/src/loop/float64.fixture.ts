import { tinyConfig } from '../../../transformer/src/pretrained/tiny-model.fixture'

/** The sizes of a model whose every weight's slope is found in float64, by differences, in a moment. */
export const smallEnough = {
  ...tinyConfig,
  vocabularySize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  headDim: 4,
  contextLength: 16,
  ropeTheta: 100,
}
