export { createDraft, type DraftOptions, draftConfig } from './create-draft'
export { type SaveGgufOptions, saveGguf } from './gguf/save-gguf'
export { type LoadOptions, loadCausalLM, openCausalLM } from './load'
export type { OpenedModel } from './opened-model'
export { type PretrainedModel, pretrainedModel } from './pretrained-model'
export { type SaveOptions, saveCausalLM } from './save'
export {
  type LoadProgress,
  loadParameters,
  modelWeights,
  type StoredWeight,
  safetensorsWeights,
  type Weights,
} from './weights'
