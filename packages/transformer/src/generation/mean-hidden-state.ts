import { mean, OutriderError } from '@outrider/tensor'
import { type CausalLM, hasHiddenStates } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { prefillPositions } from './prefill'
import { checkPrompt } from './prompt'

/** The most tokens of a text that is made one vector: what one pass reads. */
export const longestMeanText = prefillPositions

/**
 * A text as one vector: the mean, over its tokens, of the hidden states that the head reads (mean pooling).
 *
 * @param tokens  ids (`promptTokens`), `longestMeanText` at most
 * @returns f32 [hidden]
 * @throws OutriderError INVALID_ARGUMENT for ids that are no prompt, and for a model that does not show its hidden states;
 *   CONTEXT_OVERFLOW for too many
 */
export async function meanHiddenState(
  { model, config }: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>,
  tokens: readonly number[],
): Promise<Float32Array> {
  checkPrompt(config, tokens)
  if (!hasHiddenStates(model))
    throw new OutriderError('INVALID_ARGUMENT', 'The model does not show its hidden states.', {
      remedy: 'Give one that does (`hasHiddenStates` says whether it does).',
    })
  if (tokens.length > longestMeanText)
    throw new OutriderError(
      'CONTEXT_OVERFLOW',
      `The text has ${tokens.length} tokens; one vector is made of ${longestMeanText} at most.`,
      { remedy: 'Split it.', details: { promptTokens: tokens.length, contextLength: longestMeanText } },
    )
  const { device } = model
  const [bytes] = await device.scope(() => {
    const ids = device.tensor(Uint32Array.from(tokens), { shape: [1, tokens.length] })
    return device.read([mean(model.hidden(ids), { axis: 1 })]) // [1, hidden]
  })
  return new Float32Array(bytes!)
}
