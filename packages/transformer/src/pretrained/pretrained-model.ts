import type { GenerationConfig, ModelConfig } from '../config/index'
import type { Llama } from '../model/index'
import type { ChatTemplate, Tokenizer } from '../tokenizer/index'

/** A model with all that is needed to talk to it: what a Hugging Face directory holds. */
export interface PretrainedModel {
  readonly model: Llama
  /** The model's configuration. */
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
  /** How conversations are written; a base model has none. */
  readonly chatTemplate?: ChatTemplate
  readonly generationConfig: GenerationConfig
  /** Where it came from, for people to read. */
  readonly source: string
  /** Frees the weights. */
  dispose(): void
}

/** Puts the parts together; the whole owns the model. */
export function pretrainedModel(
  model: Llama,
  {
    tokenizer,
    chatTemplate,
    generationConfig,
    source,
  }: Pick<PretrainedModel, 'tokenizer' | 'chatTemplate' | 'generationConfig' | 'source'>,
): PretrainedModel {
  return {
    model,
    config: model.config,
    tokenizer,
    ...(chatTemplate ? { chatTemplate } : {}),
    generationConfig,
    source,
    dispose: () => model.dispose(),
  }
}
