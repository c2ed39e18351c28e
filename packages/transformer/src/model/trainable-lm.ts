import type { Head, Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import type { CausalLM, ForwardOptions } from './causal-lm'
import type { ModelParameters } from './parameters'
import type { PlacedPassOptions } from './training-pass'

/** A model whose hidden states and head can be had apart: what distillation wants of a target, so that all logits are never held. */
export interface HiddenStatesLM extends CausalLM {
  /**
   * The hidden states that the head reads. Every sequence begins at position 0. Not differentiable.
   *
   * @param tokens  u32 [batch, rows]
   * @returns f32 [batch, rows, hidden]; the caller's to free
   */
  hidden(tokens: Tensor): Tensor
  /**
   * What `forward` gives, to the same bits, and the hidden states that the head read for it, f32 [batch, rows or 1, hidden]: an answer
   * then need not be read once more by who learns from it. Both are the caller's to free. Absent: decoding gives logits alone.
   */
  forwardWithHidden?(tokens: Tensor, options?: ForwardOptions): LogitsAndHidden
  /**
   * The hidden states that the head reads, of those that the last layer gives: for states that were computed elsewhere. Absent: such
   * states cannot be taken.
   *
   * @param states  f32 [..., hidden]
   * @returns f32 of the same shape; the caller's to free
   */
  finalNorm?(states: Tensor): Tensor
  /** Its layers are not here, so that it reads no tokens. Absent: it does. */
  readonly isHeadAlone?: boolean
  /** What turns hidden states into logits. Its tensors are the model's; but rows of a tied head that are gathered, the scope's. */
  head(): Head
}

export interface LogitsAndHidden {
  logits: Tensor
  hidden: Tensor
}

/** Whether a model shows its hidden states and its head, or all logits alone. */
export const hasHiddenStates = (model: CausalLM): model is HiddenStatesLM => 'hidden' in model && 'head' in model

/** A model that shows, as it decodes, the hidden states that each token was said from. */
export type OpenlyDecodingLM = HiddenStatesLM & Required<Pick<HiddenStatesLM, 'forwardWithHidden'>>

export const decodesOpenly = (model: CausalLM): model is OpenlyDecodingLM =>
  hasHiddenStates(model) && model.forwardWithHidden !== undefined

/** How a model is kept in a Hugging Face directory: checkpoints are such directories. */
export interface StoredForm {
  /** What config.json says, but for the type of the weights. */
  config: Record<string, unknown>
  /** Parameters that are stored one above another in one matrix. Absent: none are. */
  joined?: Readonly<Record<string, readonly string[]>> | undefined
  /** Where the head covers some ids alone; the directory is whole all the same. */
  covered?: StoredCoverage | undefined
}

/** How a head that covers some ids is stored: with a row for every id. */
export interface StoredCoverage {
  /** Ascending. */
  ids: readonly number[]
  vocabularySize: number
  /** The parameter that has only the rows of these ids. Absent: the head is tied, so that all rows are there. */
  weight?: string | undefined
}

/** A model that can be trained: its hidden states and its head are functions of parameters, differentiable in them. */
export interface TrainableLM extends HiddenStatesLM {
  /** By Hugging Face name. A training step replaces their contents. */
  readonly parameters: ModelParameters
  readonly stored: StoredForm
  /**
   * The hidden states that the head reads, differentiable in the parameters. Every sequence begins at position 0,
   * unless `options.places` says otherwise.
   *
   * @param parameters  in place of the model's own, of the same names and shapes; f32, or the matrices f16 where the device has
   *   `shader-f16`
   * @param tokens      u32 [batch, rows]
   * @returns f32 or f16 [batch, rows, hidden]
   */
  trainingHidden(parameters: ModelParameters, tokens: Tensor, options?: PlacedPassOptions): Tensor
  /** @param parameters  in place of the model's own */
  head(parameters?: ModelParameters): Head
}

/** A trainable model of a configuration that Hugging Face directories and GGUF files can hold. */
export interface TransformerLM extends TrainableLM {
  readonly config: ModelConfig
}
