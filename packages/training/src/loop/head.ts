import type { Head } from '@outrider/losses'
import type { Tensor } from '@outrider/tensor'
import type { HiddenStatesLM, Parameters, TrainableLM, TrainingPassOptions } from '@outrider/transformer'

/** What a model in training says of tokens [batch, length], a row a position: hidden states and the head that reads them. */
export const trainedHead = (
  model: TrainableLM,
  parameters: Parameters,
  tokens: Tensor,
  options: TrainingPassOptions,
): Head => headOf(model.trainingHidden(parameters, tokens, options), model.head(parameters))

/** The same of a model that is not trained. */
export const fixedHead = (model: HiddenStatesLM, tokens: Tensor, hidden = model.hidden(tokens)): Head =>
  headOf(hidden, model.head())

function headOf(hidden: Tensor, { weight }: { weight: Tensor }): Head {
  const width = hidden.shape.at(-1)!
  return { hidden: hidden.reshape([hidden.size / width, width]), weight }
}
