import type { HeadStates, WholeLogits } from '@outrider/losses'
import type { Head, Tensor } from '@outrider/tensor'
import {
  type CausalLM,
  hasHiddenStates,
  type ModelParameters,
  type TrainableLM,
  type TrainingPassOptions,
} from '@outrider/transformer'

/** What a model in training says of tokens [batch, length], a row a position: hidden states and the head that reads them. */
export const trainedHead = (
  model: TrainableLM,
  parameters: ModelParameters,
  tokens: Tensor,
  options: TrainingPassOptions,
): HeadStates => asRows(model.trainingHidden(parameters, tokens, options), model.head(parameters))

/** The same of a model that is not trained; of one that shows no hidden states, its logits. */
export const fixedHead = (
  model: CausalLM,
  tokens: Tensor,
  states = statesOf(model, tokens),
): HeadStates | WholeLogits => (hasHiddenStates(model) ? asRows(states, model.head()) : { logits: asMatrix(states) })

/** What is computed of a model that is not trained: hidden states, or logits, f32 [batch, length, hidden or vocabulary]. */
export const statesOf = (model: CausalLM, tokens: Tensor): Tensor =>
  hasHiddenStates(model) ? model.hidden(tokens) : model.forward(tokens)

const asRows = (hidden: Tensor, head: Head): HeadStates => ({ hidden: asMatrix(hidden), head })

function asMatrix(x: Tensor): Tensor {
  const width = x.shape.at(-1)!
  return x.reshape([x.size / width, width])
}
