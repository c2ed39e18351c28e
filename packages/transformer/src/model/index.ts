export type { CausalLM, ForwardOptions, KvCache } from './causal-lm'
export { Llama } from './llama'
export {
  headWeight,
  type LlamaForwardOptions,
  llamaHead,
  llamaHidden,
  llamaLogits,
  ropeFrequencies,
} from './llama-forward'
export { initializeLlama, llamaParameterShapes, type Parameters, parameterCount } from './llama-parameters'
