import type { Tensor } from '@outrider/tensor'

/** What a distillation loss is computed from: positions as rows, over the vocabulary. */
export interface DistillationInputs {
  /** f32 [rows, draft vocabulary]: the draft's logits, which the loss is differentiable in. */
  draftLogits: Tensor
  /** f32 [rows, target vocabulary]. Left out only for losses of labels alone. */
  targetLogits?: Tensor | undefined
  /** u32 [rows]: the next tokens, for losses of labels. */
  labels?: Tensor | undefined
  /** Tokens of the vocabulary: columns from there on are padding and count as absent. Default: the narrower logits' width. */
  vocabularySize?: number | undefined
  /** f32 [rows]: 1 where a row counts, 0 where not. Default: all count. */
  mask?: Tensor | undefined
  /** Rows a sequence, for losses that pool statistics over a sequence. Default: all rows are one. */
  sequenceLength?: number | undefined
  /** For losses that draw tokens. */
  seed?: number | undefined
}

export interface DistillationResult {
  /** The mean over the rows that count, a scalar; differentiable in the draft's logits. */
  value: Tensor
  /** α = Σ min(p, q), the mean over the rows that count: the chance that a draft is accepted, the same for every loss. */
  acceptanceRate?: Tensor
  /** What else is worth logging, scalars by name. */
  statistics: Record<string, Tensor>
}

/**
 * Anything a draft can be fine-tuned with. Row losses (`defineRowLoss`) are one kind; another is a function composed of
 * tensor operations (`composeLoss`).
 */
export interface DistillationLoss {
  readonly name: string
  evaluate(inputs: DistillationInputs): DistillationResult
}

/**
 * The loss of draft and target logits. The caller disposes of the tensors of the result.
 *
 * @throws ShapeError, OutriderError INVALID_ARGUMENT or DTYPE_MISMATCH for inputs that the loss cannot be computed from
 */
export function distillationLoss(loss: DistillationLoss, inputs: DistillationInputs): DistillationResult {
  return loss.evaluate(inputs)
}
