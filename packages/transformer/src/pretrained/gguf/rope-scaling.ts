import { OutriderError } from '@outrider/tensor'
import type { RopeScaling } from '../../config/index'
import { rotaryFrequencies } from '../../config/rope-scaling'
import { sizeLimits } from '../../config/size-limits'
import type { GgufFields } from '../../files/gguf/fields'
import { type GgufFile, readGgufFloats } from '../../files/gguf/read'
import { yarnBounds, yarnMagnitude } from './yarn'

/** Llama 3's numbers, of which a GGUF file holds only the outcome. */
const llama3 = { type: 'llama3', lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192 } as const

/** What else matters to a scaling. */
interface Rotary {
  rotaryDim: number
  ropeTheta: number
  contextLength: number
  /** The kinds that llama.cpp computes in the architecture. */
  kinds: readonly RopeScaling['type'][]
}

/**
 * How a GGUF file stretches rotary positions: `rope.scaling.type` (linear where the file does not say, as in llama.cpp) with
 * its numbers; by the tensors `rope_factors_short.weight` and `rope_factors_long.weight`, which are LongRoPE; or Llama 3's way,
 * whose factors by frequency are the tensor `rope_freqs.weight`.
 *
 * @throws OutriderError UNSUPPORTED for every other way, by name; FILE_FORMAT for factors of another number than frequencies
 */
export async function readRopeScaling(
  file: GgufFile,
  fields: GgufFields,
  rotary: Rotary,
): Promise<RopeScaling | undefined> {
  const { where } = file
  const type = fields.get('rope.scaling.type') ?? 'linear'
  const hasFactors = longTensors.some((name) => file.tensors.has(name))
  // llama.cpp divides by the factors that are there, whatever the type says.
  const kind = hasFactors && (type === 'linear' || type === 'none') ? 'longrope' : type
  if (hasFactors && !rotary.kinds.includes('longrope'))
    throw unsupported(where, `rotary scaling by factors for long contexts (${longTensors.join(', ')}) is not supported`)
  if (kind !== 'none' && kind !== 'linear' && !(rotary.kinds as readonly unknown[]).includes(kind))
    throw unsupported(where, `rotary scaling of type ${JSON.stringify(type)} is not supported`)
  const magnitude = fields.number('rope.scaling.attn_factor', 1)
  const key = fields.get('rope.scaling.factor') !== undefined ? 'rope.scaling.factor' : 'rope.scale_linear'
  const factor = fields.get(key) ?? 0
  if (typeof factor !== 'number' || !Number.isFinite(factor) || factor < 0) throw fields.wrong(key)
  const isDivided = type !== 'none' && factor !== 0 && factor !== 1
  const byFrequency = await factorsOf(file, 'rope_freqs.weight', rotary)
  if (byFrequency?.some((factor) => factor !== 1)) {
    if (isDivided)
      throw unsupported(
        where,
        `factors of rotary frequencies (rope_freqs.weight) beside ${key} ${factor} are not supported`,
      )
    refuseMagnitude(where, magnitude)
    return llama3Scaling(where, byFrequency, rotary)
  }
  const originalContextLength = fields.count(
    'rope.scaling.original_context_length',
    sizeLimits.contextLength,
    rotary.contextLength,
  )
  if (kind === 'longrope') {
    if (isDivided) throw unsupported(where, `LongRoPE beside ${key} ${factor} is not supported`)
    const [short, long] = await Promise.all(longTensors.map((name) => factorsOf(file, name, rotary)))
    if (!short || !long) throw broken(where, `it has not both of the tensors ${longTensors.join(' and ')}`)
    return {
      type: 'longrope',
      originalContextLength,
      shortFactors: Array.from(short, seven),
      longFactors: Array.from(long, seven),
      attentionFactor: magnitude,
    }
  }
  if (kind === 'yarn' && isDivided) {
    const attentionFactor = seven(magnitude * yarnMagnitude(factor))
    return { type: 'yarn', factor: seven(factor), originalContextLength, ...yarnBounds, attentionFactor }
  }
  refuseMagnitude(where, magnitude)
  return isDivided ? { type: 'linear', factor: seven(factor) } : undefined
}

const longTensors = ['rope_factors_short.weight', 'rope_factors_long.weight'] as const

/** Files hold f32: seven digits are what a number was meant to be. */
const seven = (value: number) => Number(value.toPrecision(7))

function refuseMagnitude(where: string, magnitude: number): void {
  if (magnitude !== 1)
    throw unsupported(where, `rope.scaling.attn_factor ${magnitude} beside no YaRN and no LongRoPE is not supported`)
}

/** What each frequency is divided by, by a tensor; undefined where there is none. */
async function factorsOf(file: GgufFile, name: string, { rotaryDim }: Rotary): Promise<Float32Array | undefined> {
  const entry = file.tensors.get(name)
  if (!entry) return undefined
  if (entry.shape.length !== 1 || entry.shape[0] !== rotaryDim / 2)
    throw broken(file.where, `"${name}" is [${entry.shape.join(', ')}], not [${rotaryDim / 2}]`)
  return readGgufFloats(file, entry)
}

function llama3Scaling(where: string, factors: Float32Array, { rotaryDim, ropeTheta }: Rotary): RopeScaling {
  const rope = { rotaryDim, ropeTheta }
  const plain = rotaryFrequencies(rope)
  // The slowest turn tells the factor: 1 / stored = kept + (1 − kept) / factor.
  const turns = (llama3.originalContextLength * plain.at(-1)!) / (2 * Math.PI)
  const kept = Math.min(1, Math.max(0, (turns - 1) / 3))
  const scaling = { ...llama3, factor: Number(((1 - kept) / (1 / (factors.at(-1) ?? 1) - kept)).toPrecision(4)) }
  const expected = rotaryFrequencies({ ...rope, ropeScaling: scaling })
  if (factors.every((factor, i) => Math.abs(plain[i]! / expected[i]! / factor - 1) < 1e-3)) return scaling
  throw unsupported(
    where,
    "factors of rotary frequencies (rope_freqs.weight) that are not Llama 3's, of a context of 8192, are not supported",
  )
}

const broken = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where}: ${what}.`, { details: { file: where } })

const unsupported = (where: string, what: string) =>
  new OutriderError('UNSUPPORTED', `${where}: ${what}.`, {
    remedy: 'Supported: none, linear, that of Llama 3, and where llama.cpp computes it, YaRN or LongRoPE.',
    details: { file: where },
  })
