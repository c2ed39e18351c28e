import { OutriderError, type Shape, type Tensor } from '@outrider/tensor'
import { blockedWidth, cacheBlock } from '@outrider/tensor/internal'
import type { ModelConfig } from '../config/index'

/**
 * What a cache keeps keys and values in, by the bytes that a number takes: f32 4; f16 2, rounded, and no adapter needs
 * `shader-f16` for it; q8_0 1.125, bytes in blocks of 32 along a head, each with an f32 scale of the largest / 127, of heads of a
 * multiple of 32. A token takes 2 · layers · kvHeads · headDim numbers.
 */
export const cacheDtypes = ['f32', 'f16', 'q8_0'] as const

export type CacheDtype = (typeof cacheDtypes)[number]

/** Those that take a model's heads. */
export const cacheDtypesFor = ({ headDim }: Pick<ModelConfig, 'headDim'>): CacheDtype[] =>
  cacheDtypes.filter((dtype) => dtype !== 'q8_0' || headDim % cacheBlock === 0)

/** The heads of a model, where its configuration tells. */
export function headsOf({
  config,
}: {
  config: object
}): Pick<ModelConfig, 'heads' | 'kvHeads' | 'headDim'> | undefined {
  const { heads, kvHeads, headDim } = config as Partial<ModelConfig>
  return heads && kvHeads && headDim ? { heads, kvHeads, headDim } : undefined
}

/**
 * @param whose  the model's name, for the error
 * @throws OutriderError INVALID_ARGUMENT for a dtype that is none of `cacheDtypes`; UNSUPPORTED for one that does not take the
 *   model's heads
 */
export function assertCacheDtype(config: Pick<ModelConfig, 'headDim'>, dtype: CacheDtype, whose = 'this model'): void {
  if (!cacheDtypes.includes(dtype))
    throw new OutriderError('INVALID_ARGUMENT', `A cache of ${dtype} is not known.`, {
      remedy: `Give cacheDtype ${cacheDtypes.slice(0, -1).join(', ')} or ${cacheDtypes.at(-1)}.`,
    })
  const { headDim } = config
  if (!cacheDtypesFor(config).includes(dtype))
    throw new OutriderError(
      'UNSUPPORTED',
      `A cache of q8_0 takes heads of a multiple of ${cacheBlock}; those of ${whose} are of ${headDim}.`,
      { remedy: `Use a cache of ${headDim % 4 === 0 ? 'f16' : 'f32'}.` },
    )
}

/** Shape and dtype of a tensor with the keys, or values, of `places` positions. */
export function storedRows(
  { kvHeads, headDim }: ModelConfig,
  dtype: CacheDtype,
  places: Shape,
): { shape: Shape; dtype: Tensor['dtype'] } {
  if (dtype === 'q8_0') return { shape: [...places, kvHeads, blockedWidth(headDim)], dtype: 'u32' }
  return { shape: [...places, kvHeads, headDim], dtype }
}

/** Bytes of the keys, or the values, of one position in one layer. */
export const cacheRowBytes = ({ kvHeads, headDim }: ModelConfig, dtype: CacheDtype): number =>
  kvHeads * (dtype === 'q8_0' ? 4 * blockedWidth(headDim) : (dtype === 'f16' ? 2 : 4) * headDim)
