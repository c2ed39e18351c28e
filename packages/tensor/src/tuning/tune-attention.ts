import type { Device } from '../device/device'
import { floatToHalf, halfToFloat } from '../formats/half'
import type { attention } from '../operations/attention/attention'
import { blockedWidth, cacheBlock } from '../operations/attention/blocked-cache'
import { type AttentionPartsName, partLengths, partNames, takesParts, usualParts } from '../operations/attention/select'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import { samplePlaces, samplesOf } from './agreement'
import { type AttentionHeads, attentionKey } from './kernel-choices'
import { type TuneOptions, type TuneProblem, type Tuning, tune } from './tune'

/** A length of parts that few rows may attend to. */
export interface AttentionCandidate {
  readonly name: AttentionPartsName
  readonly run: (q: Tensor, k: Tensor, v: Tensor, start: number) => Tensor
}

export interface TuneAttentionOptions extends TuneOptions {
  /** What is timed: `attention`. It is given, so that who takes no more than internals need not load its kernels. */
  attend: typeof attention
  /** Rows that are timed. Default 4: a draft of three, and the token before it. */
  rows?: number | undefined
  /** Keys of the cache that is timed. Default 4096; 512 where a CPU plays the device. */
  keys?: number | undefined
  /** Default: every length of `partLengths`. */
  candidates?: readonly AttentionCandidate[] | undefined
}

/**
 * Times how the keys of a long cache are cut for few rows on this device, over random queries, keys and values (`tune`).
 *
 * @param heads  the first of a kind counts
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a budget that is none; KERNEL where every length is wrong
 */
export async function tuneAttention(
  device: Device,
  heads: readonly AttentionHeads[],
  options: TuneAttentionOptions,
): Promise<Tuning> {
  return tune(attentionProblems(device, heads, options), options)
}

/** What is to be chosen for few rows of such heads: nothing where the device's way is not to cut keys. */
export function attentionProblems(
  device: Device,
  heads: readonly AttentionHeads[],
  {
    rows = 4,
    keys = device.isSoftware ? 512 : 4096,
    attend,
    candidates = everyLength(attend),
  }: Pick<TuneAttentionOptions, 'rows' | 'keys' | 'attend' | 'candidates'>,
): TuneProblem[] {
  if (!takesParts(rows, device.capabilities)) return []
  const kinds = new Map(heads.map((of) => [attentionKey(of), of]))
  return [...kinds].map(([key, of]) => problemOf(device, key, of, { rows, keys, candidates }))
}

const everyLength = (attend: typeof attention): AttentionCandidate[] =>
  partNames.map((name) => ({
    name,
    run: (q, k, v, start) => attend(q, k, v, { start, span: partLengths[name] }),
  }))

function problemOf(
  device: Device,
  key: string,
  { heads, kvHeads, headDim, cache }: AttentionHeads,
  { rows, keys, candidates }: { rows: number; keys: number; candidates: readonly AttentionCandidate[] },
): TuneProblem {
  return {
    key,
    rows,
    device,
    async use(body) {
      const start = keys - rows
      const queries = random(rows * heads * headDim, 31, 2)
      const [ofKeys, ofValues] = [32, 33].map((stream) => cached(random(keys * kvHeads * headDim, stream), cache))
      const held = ({ stored, dtype }: Cached) =>
        device.tensor(stored, {
          shape: [1, keys, kvHeads, cache === 'q8_0' ? blockedWidth(headDim) : headDim],
          dtype,
        })
      using q = device.tensor(queries, { shape: [1, rows, heads, headDim] })
      using k = held(ofKeys!)
      using v = held(ofValues!)
      const inRows = (y: Tensor) => {
        using whole = y
        return whole.reshape([rows * heads, headDim])
      }
      const [at, columns] = [samplePlaces(rows * heads, 11), samplePlaces(headDim, 12)]
      const numbersOf = ({ values }: Cached, place: number, key: number) => {
        const first = (key * kvHeads + Math.floor((place % heads) / (heads / kvHeads))) * headDim
        return values.subarray(first, first + headDim)
      }
      const chances = Array.from(at, (place) => {
        const query = queries.subarray(place * headDim, (place + 1) * headDim)
        const seen = start + Math.floor(place / heads) + 1
        return softmax(
          Array.from({ length: seen }, (_, j) => dot(query, numbersOf(ofKeys!, place, j)) / Math.sqrt(headDim)),
        )
      })
      return await body({
        standard: candidates.some(({ name }) => name === usualParts) ? usualParts : candidates[0]!.name,
        candidates: candidates.map(({ name, run }) => ({ name, run: () => inRows(run(q, k, v, start)) })),
        samples: samplesOf(at, columns, (r, c) =>
          chances[r]!.reduce((sum, chance, j) => sum + chance * numbersOf(ofValues!, at[r]!, j)[columns[c]!]!, 0),
        ),
      })
    },
  }
}

const random = (size: number, stream: number, reach = 1) =>
  Float32Array.from({ length: size }, (_, i) => reach * (2 * uniform01(stream, i) - 1))

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores)
  const weights = scores.map((score) => Math.exp(score - largest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** Keys or values as a cache has them, and the numbers that it so has. */
interface Cached {
  stored: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>
  dtype: 'f32' | 'f16' | 'u32'
  values: Float32Array
}

function cached(numbers: Float32Array<ArrayBuffer>, cache: AttentionHeads['cache']): Cached {
  if (cache === 'f32') return { stored: numbers, dtype: 'f32', values: numbers }
  if (cache === 'f16') {
    const halves = Uint16Array.from(numbers, floatToHalf)
    return { stored: new Uint8Array(halves.buffer), dtype: 'f16', values: Float32Array.from(halves, halfToFloat) }
  }
  // Blocks of bytes, each by the same factor.
  const [blocks, factor] = [numbers.length / cacheBlock, Math.fround(1 / 127)]
  const view = new DataView(new ArrayBuffer(blocks * (cacheBlock + 4)))
  const bytes = Int8Array.from(numbers, (x) => Math.round(127 * x))
  for (const [i, byte] of bytes.entries()) view.setInt8(i + 4 * Math.floor(i / cacheBlock), byte)
  for (let block = 0; block < blocks; block++) view.setFloat32(block * (cacheBlock + 4) + cacheBlock, factor, true)
  const values = Float32Array.from(bytes, (byte) => byte * factor)
  return { stored: new Uint32Array(view.buffer), dtype: 'u32', values }
}
