import type { KernelPart } from '../../kernel/index'

/**
 * Keys and values in q8_0: heads in blocks of 32 elements, x = d · q, d = max |x| / 127 and q of a byte. A block is 9 words: its
 * elements in order, four a word, the lowest byte first, then d as the bits of an f32. A tensor of f32 [batch, capacity, kvHeads,
 * headDim] is so one of u32 [batch, capacity, kvHeads, 9 · headDim / 32], of 1.125 bytes an element.
 *
 * In files (llama.cpp's Q8_0) d is f16, for 1.0625 bytes. Here blocks are written by kernels, and WGSL lets a device take f16
 * below 2⁻¹⁴ for zero: a block of values within ±0.0077 would then be lost on some devices. With a whole word no two blocks share
 * one either, and a position is copied as it lies.
 */
export const cacheBlock = 32

/** The 32-bit words of a head. */
export const blockedWidth = (headDim: number): number => (headDim / cacheBlock) * 9

/** The elements of a head of so many words. */
export const unblockedWidth = (words: number): number => (words / 9) * cacheBlock

/** WGSL that reads four elements of such keys and values, and the bindings' types, as `cached` (frame.ts) does of f32 and f16. */
export const cachedInBlocks: KernelPart = {
  name: 'cachedInBlocks',
  provides: ['k', 'v'].flatMap((name) => [`element_${name}`, `load_${name}`]),
  text: ['k', 'v']
    .map(
      (name) => `alias element_${name} = u32;
fn load_${name}(i: u32) -> vec4f {
  let block = i / 8u;
  let bytes = vec4u(${name}[i + block]) << vec4u(24u, 16u, 8u, 0u);
  return vec4f(bitcast<vec4i>(bytes) >> vec4u(24u)) * bitcast<f32>(${name}[9u * block + 8u]);
}`,
    )
    .join('\n'),
}
