import type { Device, Tensor } from '@outrider/tensor'
import { type FormatName, formats } from '@outrider/tensor/internal'
import { randomWeights } from '@outrider/tensor/testing'
import {
  byteTokenizer,
  Decoder,
  type ModelConfig,
  type ModelParameters,
  type PretrainedModel,
  parameterShapes,
  pretrainedModel,
  Tokenizer,
} from '@outrider/transformer'
import { common } from '../inputs'

/** Elements of the pool that matrices are filled from; a prime of blocks, so that rows of a matrix differ. */
const pooled = 256 * 4099

const pools = new Map<string, Uint8Array>()

/** The bytes of so many elements, from a place of the pool on. */
export function storedWeights(format: 'f32' | FormatName, size: number, place: number): Uint8Array<ArrayBuffer> {
  const { elements, bytes } = format === 'f32' ? { elements: 1, bytes: 4 } : formats[format]
  const pool = pools.get(format) ?? makePool(format)
  pools.set(format, pool)
  const stored = new Uint8Array((size / elements) * bytes)
  let from = (place * 7919 * bytes) % pool.length
  for (let at = 0; at < stored.length; ) {
    const part = pool.subarray(from, Math.min(pool.length, from + stored.length - at))
    stored.set(part, at)
    at += part.length
    from = 0
  }
  return stored
}

function makePool(format: 'f32' | FormatName): Uint8Array {
  const { encode } = format === 'f32' ? { encode: undefined } : formats[format]
  if (format !== 'f32' && !encode) return randomWeights(format, pooled, 9)
  const values = common.values(pooled, 0.02, 9)
  return encode ? encode(values) : new Uint8Array(values.buffer)
}

/** A matrix of random weights, [n, k]. */
export function randomMatrix(device: Device, format: 'f32' | FormatName, shape: readonly number[], place = 1): Tensor {
  const size = shape.reduce((product, length) => product * length, 1)
  const stored = storedWeights(format, size, place)
  return format === 'f32'
    ? device.tensor(new Float32Array(stored.buffer), { shape }).keep()
    : device.tensor(stored, { shape, dtype: format }).keep()
}

/** A model of random weights without files; what its layers but the first add is scaled by about `damp`, through their norms. */
export function randomModel(
  device: Device,
  config: ModelConfig,
  format: 'f32' | FormatName,
  { damp = 1 }: { damp?: number } = {},
): PretrainedModel {
  const parameters: ModelParameters = {}
  let place = 0
  for (const [name, shape] of parameterShapes(config)) {
    place++
    const layer = Number(/layers\.(\d+)\./.exec(name)?.[1] ?? 0)
    const gain = layer > 0 && name.includes('layernorm') ? damp : 1
    parameters[name] = shape.length === 1 ? device.full(shape, gain).keep() : randomMatrix(device, format, shape, place)
  }
  return whole(device, config, parameters)
}

/** A model to be trained. */
export const untrainedModel = (device: Device, config: ModelConfig): PretrainedModel =>
  whole(device, config, Decoder.initialize(device, config, { seed: 1 }).parameters as ModelParameters)

/** The first layers of a model as a model of its own: a draft that is right where the others add little. It owns nothing. */
export function firstLayers({ model, config }: PretrainedModel, layers: number): PretrainedModel {
  return whole(model.device, { ...config, layers }, model.parameters as ModelParameters)
}

const whole = (device: Device, config: ModelConfig, parameters: ModelParameters): PretrainedModel =>
  pretrainedModel(new Decoder(device, config, parameters), {
    tokenizer: tokenizerOf(config.vocabularySize),
    generationConfig: { eosTokenIds: [] },
    source: 'random weights',
  })

const tokenizers = new Map<number, Tokenizer>()

/** Bytes, and pieces that no text has up to the vocabulary's size. */
function tokenizerOf(size: number): Tokenizer {
  const known = tokenizers.get(size)
  if (known) return known
  const files = byteTokenizer().toFiles()
  const json = JSON.parse(files['tokenizer.json']!)
  for (let id = Object.keys(json.model.vocab).length; id < size; id++) json.model.vocab[`t${id}`] ??= id
  const made = Tokenizer.fromJson(JSON.stringify(json), files['tokenizer_config.json'])
  tokenizers.set(size, made)
  return made
}

/** Ids that look like no text, always the same. */
export const madeUpIds = (count: number, { vocabularySize }: ModelConfig, seed = 1): number[] =>
  Array.from({ length: count }, (_, i) => (Math.imul(i + 1, 2654435761 * seed) >>> 0) % vocabularySize)
