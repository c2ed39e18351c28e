import type { GenerationConfig } from '../config/index'
import type { CausalLM, TransformerLM } from '../model/index'
import type { ChatTemplate, Tokenizer } from '../tokenizer/index'

/** A model with all that is needed to talk to it: what a Hugging Face directory holds. */
export interface PretrainedModel<M extends CausalLM = TransformerLM> {
  readonly model: M
  /** The model's configuration. */
  readonly config: M['config']
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
export function pretrainedModel<M extends CausalLM>(
  model: M,
  {
    tokenizer,
    chatTemplate,
    generationConfig,
    source,
  }: Pick<PretrainedModel, 'tokenizer' | 'chatTemplate' | 'generationConfig' | 'source'>,
): PretrainedModel<M> {
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
