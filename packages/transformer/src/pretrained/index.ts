export type { AssistantSettings } from './assistant'
export { createDraft, type DraftOptions, type DraftTarget, draftConfig } from './create-draft'
export { type ComparedElsewhere, type ObstacleElsewhere, obstaclesElsewhere } from './elsewhere'
export { endsOfText, type WithEnds } from './ends-of-text'
export { type SavedGguf, type SaveGgufOptions, saveGguf } from './gguf/save-gguf'
export { type LoadOptions, loadCausalLM, openCausalLM, openSpeaker } from './load'
export { loadHead } from './load-head'
export { isModelFile } from './model-files'
export { type ModelIdentity, modelIdentity } from './model-identity'
export type { OpenedModel, SpeakerFiles } from './opened-model'
export { type ParallelDraftOptions, parallelDraft } from './parallel-draft'
export { type PretrainedModel, pretrainedModel } from './pretrained-model'
export { type ProjectionOptions, projectEmbedding } from './project-embedding'
export { type SaveOptions, saveCausalLM } from './save'
export {
  deviceDtype,
  type LoadDtype,
  type LoadProgress,
  loadDtypes,
  loadParameters,
  modelWeights,
  type Rows,
  readWeight,
  type StoredWeight,
  safetensorsWeights,
  type Weights,
  weightBytes,
} from './weights'
