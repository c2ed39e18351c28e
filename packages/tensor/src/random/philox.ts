import type { KernelPart } from '../kernel/index'
import text from './philox.wgsl'

/** For kernels that draw, `philox(seed: vec2u, counter: vec2u) -> vec4u` and `uniform01`, with the bits of those here. */
export const philoxRandom: KernelPart = { name: 'philoxRandom', provides: ['philox', 'uniform01'], text }

/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): four random words for a
 * key and a counter. Stateless, so the same numbers come wherever and in whatever order they are asked for.
 *
 * @param seed     the key: a non-negative integer below 2⁵³
 * @param counter  which draw: a non-negative integer below 2⁵³
 */
export function philox(seed: number, counter: number): [number, number, number, number] {
  let [k0, k1] = splitWords(seed)
  let [x0, x1] = splitWords(counter)
  let x2 = 0
  let x3 = 0
  for (let round = 0; round < 10; round++) {
    const [low0, high0] = multiply(0xd2511f53, x0)
    const [low1, high1] = multiply(0xcd9e8d57, x2)
    ;[x0, x1, x2, x3] = [(high1 ^ x1 ^ k0) >>> 0, low1, (high0 ^ x3 ^ k1) >>> 0, low0]
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [x0, x1, x2, x3]
}

/** A number in [0, 1) with 24 random bits, the same on the host and on the device. */
export const uniform01 = (seed: number, counter: number): number => (philox(seed, counter)[0] >>> 8) * 2 ** -24

/** Two independent standard normal numbers (Box–Muller). */
export function normalPair(seed: number, counter: number): [number, number] {
  const [a, b] = philox(seed, counter)
  const radius = Math.sqrt(-2 * Math.log((a + 0.5) * 2 ** -32))
  const angle = 2 * Math.PI * b * 2 ** -32
  return [radius * Math.cos(angle), radius * Math.sin(angle)]
}

/** The low and high 32-bit words of an integer below 2⁵³, as kernels take a seed or a counter. */
export const splitWords = (value: number): [number, number] => [value >>> 0, Math.floor(value / 2 ** 32) >>> 0]

function multiply(a: number, b: number): [low: number, high: number] {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const middle2 = a0 * b1 + (middle & 0xffff)
  return [Math.imul(a, b) >>> 0, (a1 * b1 + Math.floor(middle / 65536) + (middle2 >>> 16)) >>> 0]
}
