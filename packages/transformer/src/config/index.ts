export { type GenerationConfig, generationConfigToJson, parseGenerationConfig } from './generation-config'
export type { ModelConfig } from './model-config'
export { configToJson, parseConfig } from './parse-config'
export type { RopeScaling } from './rope-scaling'
