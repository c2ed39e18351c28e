export type { CacheOptions, CausalLM, ForwardOptions, KvCache } from './causal-lm'
export { Decoder } from './decoder'
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
