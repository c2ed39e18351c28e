import type { ModelConfig } from '../config/index'
import type { PretrainedModel } from './pretrained-model'
import type { Weights } from './weights'

/** A model on disk or behind a URL, everything read but its weights. */
export type OpenedModel = Pick<PretrainedModel, 'tokenizer' | 'chatTemplate' | 'generationConfig'> & {
  config: ModelConfig
  /** Where it came from, for people to read. */
  source: string
  weights: Weights
  /** The ids that a list beside the weights says the head covers; it does so in what `openCausalLM` gives (`config.coveredIds`). */
  coveredIds?: readonly number[] | undefined
  /** Stored tensors that are no parameters and need not be. */
  disregarded: (name: string) => boolean
}

/** A model without its weights: how it writes conversations as tokens, and what it is. */
export type SpeakerFiles = Omit<OpenedModel, 'weights' | 'coveredIds' | 'disregarded'>
