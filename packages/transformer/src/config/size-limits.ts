import type { ModelConfig } from './model-config'

/** The numbers of a config that say how much is computed or allocated. */
export type ModelSize =
  | 'vocabularySize'
  | 'hiddenSize'
  | 'intermediateSize'
  | 'layers'
  | 'heads'
  | 'kvHeads'
  | 'headDim'
  | 'contextLength'

/**
 * The largest sizes that a config may name: several times those of the largest models there are, and small enough that all
 * that is done with the config alone (a list of its parameters, their number, rotary frequencies) takes no time and no memory.
 */
export const sizeLimits: Readonly<Record<ModelSize, number>> = {
  vocabularySize: 2 ** 22,
  hiddenSize: 2 ** 17,
  intermediateSize: 2 ** 20,
  layers: 1000,
  heads: 2 ** 12,
  kvHeads: 2 ** 12,
  headDim: 2 ** 12,
  contextLength: 2 ** 27,
}

/** The first size that is beyond its limit. */
export const oversized = (sizes: Partial<Pick<ModelConfig, ModelSize>>): ModelSize | undefined =>
  (Object.keys(sizes) as ModelSize[]).find((name) => sizes[name]! > sizeLimits[name])
