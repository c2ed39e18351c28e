import type { Tensor } from '../../tensor'
import { linear } from '../matmul/linear'
import { matmul } from '../matmul/matmul'
import type { RmsNorm } from '../normalize/rms-norm'
import { add, multiply } from '../pointwise/binary'
import { softCapped, softCappedGradient } from '../pointwise/soft-cap'
import { sum } from '../reduce/sum'
import { type CoveredIds, overVocabulary } from './covered-ids'

/** What turns hidden states into logits: cap · tanh(scale · (hidden · weightᵀ + bias) / cap). */
export interface Head {
  /** [rows, hiddenSize], a row an id. */
  weight: Tensor
  /** f32 [rows]. Absent: 0. */
  bias?: Tensor | undefined
  /** Absent: 1. */
  scale?: number | undefined
  /** Absent: logits are not capped. */
  softCap?: number | undefined
  /** The ids that its rows stand for, where these are not all of the vocabulary: every other id has logit −∞, and is never said. */
  covered?: CoveredIds | undefined
}

/**
 * Logits of hidden states, for inference. The weight may be of any format.
 *
 * @param hidden                f32 [..., hiddenSize]
 * @param options.norm          computed on the way: RMSNorm of the hidden states
 * @param options.sequenceRows  as `linear` takes it
 * @returns f32 [..., vocabulary]
 * @throws what `linear` throws
 */
export function headLogits(
  head: Head,
  hidden: Tensor,
  options: { norm?: RmsNorm | undefined; sequenceRows?: number | undefined } = {},
): Tensor {
  return whole(head, shaped(head, linear(hidden, head.weight, { ...options, bias: head.bias })))
}

/**
 * The same, differentiable in the hidden states, the weight and the bias, of which the first two may be f16.
 *
 * @param hidden  [..., hiddenSize]
 * @returns f32 [..., vocabulary]
 */
export const trainingLogits = (head: Head, hidden: Tensor): Tensor => whole(head, rowLogits(head, hidden))

/** What `trainingLogits` gives, of the rows that the head has alone: f32 [..., rows]. */
export function rowLogits(head: Head, hidden: Tensor): Tensor {
  const products = matmul(hidden, head.weight, { transposeB: true, dtype: 'f32' }) // [..., rows]
  return shaped(head, head.bias ? add(products, head.bias) : products)
}

/** Gradients of what a head is made of, all f32. */
export interface HeadGradients {
  hidden?: Tensor // [n, hiddenSize]
  weight?: Tensor // [rows, hiddenSize]
  bias?: Tensor // [rows]
}

/**
 * The gradient of `rowLogits` by hand, where logits are made and differentiated a few rows at a time and no tape is to hold
 * them. The cap's is found from the capped logits: ∂z/∂products = scale · (1 − (z / cap)²).
 *
 * @param rows    hidden states [n, hiddenSize]; their logits f32 [n, rows of the head] and the gradient of these, which are
 *   disposed of
 * @param wanted  which gradients are computed
 */
export function headGradients(
  head: Head,
  rows: { hidden: Tensor; logits: Tensor; dlogits: Tensor },
  wanted: Readonly<Record<keyof HeadGradients, boolean>>,
): HeadGradients {
  const { hidden, logits, dlogits } = rows
  const dproducts = shapedGradient(head, logits, dlogits) // [n, rows]
  // What follows takes memory of its own, and of the logits nothing.
  logits.dispose()
  if (dproducts !== dlogits) dlogits.dispose()
  const gradients: HeadGradients = {
    ...(wanted.hidden && { hidden: matmul(dproducts, head.weight) }),
    ...(wanted.weight && { weight: matmul(dproducts, hidden, { transposeA: true }) }),
    ...(wanted.bias && { bias: sum(dproducts, { axis: 0 }) }),
  }
  dproducts.dispose()
  return gradients
}

function shaped({ scale = 1, softCap }: Head, products: Tensor): Tensor {
  if (softCap !== undefined) return softCapped(products, scale, softCap)
  return scale === 1 ? products : multiply(products, scale)
}

function shapedGradient({ scale = 1, softCap }: Head, logits: Tensor, dlogits: Tensor): Tensor {
  if (softCap !== undefined) return softCappedGradient(logits, dlogits, scale, softCap)
  return scale === 1 ? dlogits : multiply(dlogits, scale)
}

const whole = ({ covered }: Head, logits: Tensor): Tensor => (covered ? overVocabulary(logits, covered) : logits)
