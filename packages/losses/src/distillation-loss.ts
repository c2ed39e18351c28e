import type { CoveredIds, Head, Tensor } from '@outrider/tensor'
import { rowLogits, withoutGradients } from '@outrider/tensor/internal'
import { type CoveredInputs, overCovered } from './covered'
import { rowMean } from './row-mean'
import { targetLogitsOf } from './target-logits'

/** What a distillation loss is computed from: positions as rows, over the vocabulary. */
export interface DistillationInputs {
  /** f32 [rows, draft vocabulary]: the draft's logits, which the loss is differentiable in. */
  draftLogits: Tensor
  /** f32 [rows, target vocabulary]. Left out only for losses of labels alone. */
  targetLogits?: Tensor | undefined
  /** u32 [rows]: the next tokens, for losses of labels. */
  labels?: Tensor | undefined
  /** Tokens of the vocabulary: columns from there on are padding and count as absent. Default: those of the narrower logits. */
  vocabularySize?: number | undefined
  /**
   * f32 [rows]: 1 where a row counts, 0 where not. Default: all count. Of row losses also weights, at least 1 in all: every mean
   * over the rows is then the weighted one.
   */
  mask?: Tensor | undefined
  /** Rows a sequence, for losses that pool statistics over a sequence. Default: all rows are one. */
  sequenceLength?: number | undefined
  /**
   * For losses that pool statistics over all rows of a step, where a step is computed in several calls: `pooledSums` of each
   * call's rows, added up. Default: those of the rows at hand.
   */
  pooled?: Tensor | undefined
  /** For losses that draw tokens. */
  seed?: number | undefined
  /** For losses that draw tokens: what number the first row has among all that are drawn for with the seed. Default 0. */
  firstRow?: number | undefined
}

export interface DistillationResult {
  /** The mean over the rows that count, a scalar; differentiable in the draft's logits. */
  value: Tensor
  /** α = Σ min(p, q), the mean over the rows that count: the chance that a draft is accepted, the same for every loss. */
  acceptanceRate?: Tensor
  /** f32 [rows]: α of each row, where `HeadInputs.byRow` asks for it. Not differentiable. */
  acceptanceRates?: Tensor
  /** What else is worth logging, scalars by name. */
  statistics: Record<string, Tensor>
}

/** The last hidden states of a model (after its last norm) and the head that turns them into logits. */
export interface HeadStates {
  /** f32 [rows, hiddenSize]. Those of the draft may be f16 where the device has `shader-f16`; logits are f32 all the same. */
  hidden: Tensor
  /** The draft's weight is f32 or f16, and its gradient f32; the target's may be of any format that `linear` takes. */
  head: Head
}

/**
 * What a target says of the ids alone that a trimmed draft can say: the rows of its head that the draft's covers, a sixth of the
 * product or less, and what the logits of all ids come to, which are needed for nothing else.
 */
export interface CoveredStates extends HeadStates {
  /** Its `covered` is the draft's. */
  head: Head & { covered: CoveredIds }
  /** f32 [rows]: ln Σ exp of the target's logits over the vocabulary. q of an id is exp(logit − this), for α. */
  logNormalizers: Tensor
}

/** What a target says of all rows at once, where it has no hidden states and head to be read a few rows at a time. */
export interface WholeLogits {
  /** f32 [rows, vocabulary]. */
  logits: Tensor
}

/**
 * What is known of a target that lives elsewhere: of every row the k likeliest tokens, and how likely the others are together. A row
 * loss sees k + 1 events, the last of them being "any other token", and is the loss of these two distributions. As no function of
 * tokens is finer than the tokens, KLD, TVD and every other f-divergence are never above those of the whole distributions, and α never
 * below; α is too large by less than the smaller of what p and q leave for the others. They are exact where q is in proportion to p
 * among the others; and where q has none of them, so that a target that is cut to its k tokens (top-k sampling) is learnt exactly:
 * give it q over these k, and ln 0 as −3.0e38 for the rest.
 *
 * The gradient is that of this loss: the bucket's logit is ln Σ exp of the draft's others, each of which has its share.
 */
export interface TopTokens {
  /** u32 [rows, k], each id once a row; 2³² − 1 where a row has fewer. */
  ids: Tensor
  /** f32 [rows, k]: ln q of these. */
  logProbabilities: Tensor
  /** f32 [rows]: ln of what the others have together, −3.0e38 for nothing. */
  logRest: Tensor
}

/** What a target says of rows. */
export type TargetOutputs = HeadStates | CoveredStates | WholeLogits | TopTokens

/**
 * What a loss is computed from where the logits of all rows at once would be too much to hold.
 *
 * Of a draft whose head covers some ids alone, the loss is the one over these: of the target's distribution renormalised over
 * them, as EAGLE-3 is trained (Li et al. 2025, arXiv 2503.01840), so that it is finite for every loss, where KLD of what the draft
 * cannot say is not; where p is that distribution, Σ min(p, q) is as large as it can be. A label that is not covered counts as
 * none. α is that of the target's own distribution, p being 0 where an id is not covered.
 */
export interface HeadInputs extends Omit<DistillationInputs, 'draftLogits' | 'targetLogits'> {
  /** The loss is differentiable in its hidden states, and in the weight and the bias of its head. */
  draft: HeadStates
  /** Left out only for losses of labels alone. */
  target?: TargetOutputs | undefined
  /** Give α of every row, too, where the loss is a row loss with a target. Default false. */
  byRow?: boolean | undefined
  /** Rows whose logits are held at a time. Default: what takes 64 MiB. */
  chunkRows?: number | undefined
  /**
   * Of a loss that pools statistics over more rows than a chunk has: so many rows' logits are held until they are needed again,
   * and those of the rest are made twice. Default: what takes 256 MiB, or none where `chunkRows` is given.
   */
  heldRows?: number | undefined
}

/**
 * Anything a draft can be fine-tuned with. Row losses (`defineRowLoss`) are one kind; another is a function composed of
 * tensor operations (`composeLoss`).
 */
export interface DistillationLoss {
  readonly name: string
  evaluate(inputs: DistillationInputs): DistillationResult
  /** The same from hidden states, chunk by chunk. Every row loss can; a loss that cannot is given the logits of all rows. */
  evaluateHeads?(inputs: HeadInputs): DistillationResult
  /**
   * Only of a loss whose value at a row depends on all rows of a step, as TVD++'s does on σ: sums over the rows that count, of a
   * shape of the loss's own. Those of all parts of a step, added up, are given to each of them as `pooled`; they are constants
   * in the gradient.
   */
  pool?(inputs: DistillationInputs): Tensor
  /** The same from hidden states, chunk by chunk. */
  poolHeads?(inputs: HeadInputs): Tensor
}

/**
 * The loss of draft and target logits. The caller disposes of the tensors of the result.
 *
 * @throws ShapeError, OutriderError INVALID_ARGUMENT or DTYPE_MISMATCH for inputs that the loss cannot be computed from
 */
export function distillationLoss(loss: DistillationLoss, inputs: DistillationInputs): DistillationResult {
  return loss.evaluate(inputs)
}

/**
 * The loss of hidden states, head and loss in one: logits [rows, vocabulary] are made for a few rows at a time, and so is
 * their gradient, so that no more than three chunks of them are held. Values and gradients are those of `distillationLoss`
 * within rounding. Where gradients are recorded, they are computed at once, with the value (as in Liger Kernel, Hsu et al.
 * 2024, arXiv 2410.10989); a loss that pools statistics over more rows than a chunk has holds the logits that it needs again, as
 * many as `heldRows` says, and makes the others twice.
 *
 * @throws what `distillationLoss` throws
 */
export function distillationLossOfHeads(loss: DistillationLoss, inputs: HeadInputs): DistillationResult {
  if (loss.evaluateHeads) return loss.evaluateHeads(inputs)
  const { acceptanceRates, ...logits } = withLogits(inputs)
  const result = loss.evaluate(logits)
  if (!acceptanceRates) return result
  result.acceptanceRate?.dispose()
  return { ...result, acceptanceRate: rowMean(acceptanceRates, inputs.mask) }
}

/**
 * What a loss pools over the rows of a step, of some of them: sums that are added up over the parts of the step and given to
 * each part as `pooled`. Value and gradient are then, within rounding, those of all rows in one call, however they are divided.
 * Not differentiable; the caller disposes of it. Nothing (`undefined`) of a loss that pools nothing over a step.
 *
 * @throws what `distillationLoss` throws
 */
export function pooledSums(loss: DistillationLoss, inputs: DistillationInputs): Tensor | undefined {
  const { device } = inputs.draftLogits
  return loss.pool && withoutGradients(device, () => device.scope(() => loss.pool!(inputs)))
}

/**
 * `pooledSums` of hidden states; of row losses chunk by chunk, as `distillationLossOfHeads`.
 *
 * @throws what `distillationLoss` throws
 */
export function pooledSumsOfHeads(loss: DistillationLoss, inputs: HeadInputs): Tensor | undefined {
  if (!loss.pool) return undefined
  const { device } = inputs.draft.hidden
  return withoutGradients(device, () =>
    device.scope(() => (loss.poolHeads ? loss.poolHeads(inputs) : loss.pool!(withLogits(inputs)))),
  )
}

/** Hidden states as the logits of all rows at once. */
function withLogits({ draft, target, byRow: _, chunkRows: __, heldRows: ___, ...rest }: HeadInputs): CoveredInputs {
  const draftLogits = rowLogits(draft.head, draft.hidden) // [rows, rows of the draft's head]
  return overCovered(draft.head.covered, { ...rest, draftLogits, ...(target && targetLogitsOf(target)) })
}
