import { linear, matmul, multiply, type Tensor, tanh } from '@outrider/tensor'

/** What turns hidden states into logits: cap · tanh(scale · (hidden · weightᵀ) / cap). */
export interface Head {
  /** [vocabulary, hidden] */
  weight: Tensor
  /** Absent: 1. */
  scale?: number
  /** Absent: logits are not capped. */
  softCap?: number
}

/**
 * Logits f32 [..., vocabulary] of hidden states, for inference. The weight may be of any format.
 *
 * @param options.norm  computed on the way: RMSNorm of the hidden states
 */
export function headLogits(
  head: Head,
  hidden: Tensor,
  { norm }: { norm?: { weight: Tensor; epsilon: number } } = {},
): Tensor {
  return shaped(head, linear(hidden, head.weight, { norm }))
}

/** The same, differentiable in the hidden states and the weight. */
export function trainingLogits(head: Head, hidden: Tensor): Tensor {
  return shaped(head, matmul(hidden, head.weight, { transposeB: true, dtype: 'f32' }))
}

function shaped({ scale = 1, softCap }: Head, products: Tensor): Tensor {
  const logits = scale === 1 ? products : multiply(products, scale)
  return softCap === undefined ? logits : multiply(tanh(multiply(logits, 1 / softCap)), softCap)
}
