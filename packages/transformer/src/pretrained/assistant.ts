import { OutriderError } from '@outrider/tensor'
import type { GenerationConfig } from '../config/index'

/**
 * How transformers drafts with a model that it is given as `assistant_model`. It reads that in the draft's own
 * generation_config.json; what `generate` is given of it counts for nothing (5.24).
 */
export interface AssistantSettings {
  /** γ, `num_assistant_tokens`, the same for every pass. transformers' default is 20. */
  draftLength: number
  /**
   * Drafts end behind a token of which the draft is less sure, `assistant_confidence_threshold`; 0: they never do. transformers'
   * default is 0.4.
   */
  confidenceThreshold?: number | undefined
}

/**
 * What a model's generation_config.json says, with that.
 *
 * @throws OutriderError INVALID_ARGUMENT
 */
export function withAssistant(
  config: GenerationConfig,
  { draftLength, confidenceThreshold }: AssistantSettings,
): GenerationConfig {
  if (!(Number.isSafeInteger(draftLength) && draftLength >= 1))
    throw new OutriderError('INVALID_ARGUMENT', `draftLength is ${draftLength}; it must be a whole number, 1 or more.`)
  if (confidenceThreshold !== undefined && !(confidenceThreshold >= 0 && confidenceThreshold < 1))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `confidenceThreshold is ${confidenceThreshold}; it must be 0 or more, and below 1.`,
    )
  return {
    ...config,
    others: {
      ...config.others,
      num_assistant_tokens: draftLength,
      num_assistant_tokens_schedule: 'constant',
      ...(confidenceThreshold !== undefined && { assistant_confidence_threshold: confidenceThreshold }),
    },
  }
}
