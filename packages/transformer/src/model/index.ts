export { assertCacheDtype, type CacheDtype, cacheDtypes, cacheDtypesFor, cacheRowBytes, headsOf } from './cache-dtype'
export type { CacheOptions, CausalLM, ForwardOptions, KvBlock, KvCache } from './causal-lm'
export { Decoder, type DecoderOptions } from './decoder'
export { HeadAlone } from './head-alone'
export { initializeParameters, type ModelParameters, parameterCount, parameterShapes } from './parameters'
export {
  decodesOpenly,
  type HiddenStatesLM,
  hasHiddenStates,
  type LogitsAndHidden,
  type OpenlyDecodingLM,
  type StoredCoverage,
  type StoredForm,
  type TrainableLM,
  type TransformerLM,
} from './trainable-lm'
export type { PlacedPassOptions, TrainingPassOptions, TrainingPlaces } from './training-pass'
