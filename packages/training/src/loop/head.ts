import type { HeadStates } from '@outrider/losses'
import type { Head, Tensor } from '@outrider/tensor'
import type { HiddenStatesLM, ModelParameters, TrainableLM, TrainingPassOptions } from '@outrider/transformer'

/** What a model in training says of tokens [batch, length], a row a position: hidden states and the head that reads them. */
export const trainedHead = (
  model: TrainableLM,
  parameters: ModelParameters,
  tokens: Tensor,
  options: TrainingPassOptions,
): HeadStates => asRows(model.trainingHidden(parameters, tokens, options), model.head(parameters))

/** The same of a model that is not trained. */
export const fixedHead = (model: HiddenStatesLM, tokens: Tensor, hidden = model.hidden(tokens)): HeadStates =>
  asRows(hidden, model.head())

function asRows(hidden: Tensor, head: Head): HeadStates {
  const hiddenSize = hidden.shape.at(-1)!
  return { hidden: hidden.reshape([hidden.size / hiddenSize, hiddenSize]), head }
}
