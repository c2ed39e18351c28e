import { OutriderError } from '@outrider/tensor'
import type { RopeScaling } from '../../config/index'
import { rotaryFrequencies } from '../../config/rope-scaling'
import type { GgufFields } from '../../files/gguf/fields'
import { type GgufFile, readGgufFloats } from '../../files/gguf/read'

/** Llama 3's numbers, of which a GGUF file holds only the outcome. */
const llama3 = { type: 'llama3', lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192 } as const

interface Rotary {
  headDim: number
  ropeTheta: number
}

/**
 * How a GGUF file stretches rotary positions: `rope.scaling.type` (linear where the file does not say, as in llama.cpp) with
 * its factor, or Llama 3's way, whose factors by frequency are the tensor `rope_freqs.weight`.
 *
 * @throws OutriderError UNSUPPORTED for every other way, by name; FILE_FORMAT for factors of another number than frequencies
 */
export async function readRopeScaling(
  file: GgufFile,
  fields: GgufFields,
  rotary: Rotary,
): Promise<RopeScaling | undefined> {
  const { tensors, where } = file
  const long = [...tensors.keys()].filter((name) => /^rope_factors_(long|short)\.weight$/.test(name))
  if (long.length > 0)
    throw unsupported(where, `rotary scaling by factors for long contexts (${long.join(', ')}) is not supported`)
  const type = fields.get('rope.scaling.type') ?? 'linear'
  if (type !== 'none' && type !== 'linear')
    throw unsupported(where, `rotary scaling of type ${JSON.stringify(type)} is not supported`)
  const key = fields.get('rope.scaling.factor') !== undefined ? 'rope.scaling.factor' : 'rope.scale_linear'
  const factor = fields.get(key) ?? 0
  if (typeof factor !== 'number' || !Number.isFinite(factor) || factor < 0) throw fields.wrong(key)
  const isLinear = type === 'linear' && factor !== 0 && factor !== 1
  const byFrequency = await factorsByFrequency(file, rotary)
  if (byFrequency && isLinear)
    throw unsupported(
      where,
      `factors of rotary frequencies (rope_freqs.weight) beside ${key} ${factor} are not supported`,
    )
  if (byFrequency) return llama3Scaling(where, byFrequency, rotary)
  return isLinear ? { type, factor: Number(factor.toPrecision(7)) } : undefined
}

/** What each frequency is divided by; undefined where none is. */
async function factorsByFrequency(file: GgufFile, { headDim }: Rotary): Promise<Float32Array | undefined> {
  const entry = file.tensors.get('rope_freqs.weight')
  if (!entry) return undefined
  if (entry.shape.length !== 1 || entry.shape[0] !== headDim / 2)
    throw broken(file.where, `"rope_freqs.weight" is [${entry.shape.join(', ')}], not [${headDim / 2}]`)
  const factors = await readGgufFloats(file, entry)
  return factors.every((factor) => factor === 1) ? undefined : factors
}

function llama3Scaling(where: string, factors: Float32Array, { headDim, ropeTheta }: Rotary): RopeScaling {
  const rope = { rotaryDim: headDim, ropeTheta }
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
    remedy: 'Supported: none, linear, and that of Llama 3.',
    details: { file: where },
  })
