import type { Device } from '../../device/device'
import { OutriderError, ShapeError } from '../../errors'
import { defineKernel } from '../../kernel/index'
import { sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import frequency from './frequency.wgsl'
import fromRadians from './from-radians.wgsl'

const kernel = defineKernel({ name: 'frequenciesFromRadians', source: fromRadians + frequency })

/** ⌊2¹⁹²/2π⌋ */
const turnsPerRadian = 0x28be60db9391054a7f09d5f47d4d377036d8a5664f10e410n

/**
 * Rotary frequencies for `rope` and `ropeIntoCache` that are exact at every position: each is kept as turns a position, in
 * 2⁻⁶⁴ turns, of which the multiples by whole positions have no rounding. An f32 of radians is off by up to 3·10⁻⁸ of itself,
 * and so is the angle, which at position 10⁶ is 0.03 radians.
 *
 * @param radians  radians a position by rotary pair, below 2⁶⁴; θ^(−2i/headDim) in a plain Llama
 * @returns u32 [pairs, 2]: the high word and the low one
 * @throws OutriderError INVALID_ARGUMENT for a frequency that is NaN or beyond that
 */
export function exactFrequencies(device: Device, radians: ArrayLike<number>): Tensor {
  const words = Array.from(radians).flatMap((frequency, pair) => {
    if (!(Math.abs(frequency) < 2 ** 64))
      throw new OutriderError('INVALID_ARGUMENT', `exactFrequencies: the frequency of pair ${pair} is ${frequency}.`, {
        remedy: 'Give radians a position, below 2^64.',
      })
    const turns = BigInt.asUintN(64, (inWholeNumbers(frequency) * turnsPerRadian) >> 256n)
    return [Number(turns >> 32n), Number(turns & 0xffffffffn)]
  })
  return device.tensor(Uint32Array.from(words), { shape: [radians.length, 2] })
}

/** In 2⁻¹²⁸ radians. */
const inWholeNumbers = (frequency: number) => BigInt(Math.round(frequency * 2 ** 128))

/**
 * The frequencies of `RopeOptions` as kernels take them, u32 [turnedPairs, 2]; those of f32 are converted. At most `pairs`.
 *
 * @throws ShapeError or OutriderError DTYPE_MISMATCH for frequencies of another shape or dtype
 */
export function frequencyTurns(
  operation: string,
  frequencies: Tensor,
  pairs: number,
): { turns: Tensor; turnedPairs: number } {
  const { shape, dtype, device } = frequencies
  if (dtype !== 'u32' && dtype !== 'f32')
    throw new OutriderError('DTYPE_MISMATCH', `${operation}: the frequencies are ${dtype}.`, {
      remedy: 'Make them with exactFrequencies, or give them as f32.',
    })
  const turnedPairs = shape[0] ?? 0
  const expected = dtype === 'u32' ? [turnedPairs, 2] : [turnedPairs]
  if (!sameShape(shape, expected) || turnedPairs < 1 || turnedPairs > pairs)
    throw new ShapeError(
      operation,
      [shape],
      `frequencies of ${dtype} must be [${dtype === 'u32' ? 'pairs, 2' : 'pairs'}], of ${pairs} pairs at most`,
    )
  if (dtype === 'u32') return { turns: frequencies, turnedPairs }
  const turns = device.empty([turnedPairs, 2], 'u32')
  device.run(kernel, {
    bindings: { radians: frequencies, frequencies: turns },
    params: { count: turnedPairs },
    workgroups: [Math.ceil(turnedPairs / 64)],
  })
  return { turns, turnedPairs }
}
