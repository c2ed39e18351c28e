import { OutriderError } from '@outrider/tensor'
import type { ModelConfig } from '../../config/index'

/**
 * llama.cpp keeps the weights of all norms as what is multiplied by. Where Hugging Face keeps them as distances from 1, they are
 * moved on the way: exactly, as what is added again gives the same number.
 */
export const isMoved = (name: string, { normOffset = 0 }: Pick<ModelConfig, 'normOffset'>): boolean =>
  normOffset !== 0 && name.endsWith('norm.weight')

/** Gains as distances from 1. */
export function toDistances(bytes: Uint8Array, dtype: string, name: string): Uint8Array {
  if (dtype !== 'F32')
    throw new OutriderError(
      'UNSUPPORTED',
      `Tensor "${name}" is ${dtype}; norms are read of F32 alone in this architecture.`,
    )
  const gains = new Float32Array(bytes.slice().buffer)
  return new Uint8Array(gains.map((gain) => gain - 1).buffer)
}

/** Distances from 1 as gains. */
export const toGains = (distances: Float32Array): Float32Array => distances.map((distance) => distance + 1)
