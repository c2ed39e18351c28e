import { type Device, OutriderError } from '@outrider/tensor'
import { formats, storedBytes } from '@outrider/tensor/internal'
import {
  type Directory,
  heldDtype,
  openSafetensors,
  readBytes,
  readSafetensors,
  storedToFloats,
  type WeightDtype,
  weightDtype,
} from '../files/index'
import type { ModelParameters, StoredForm } from '../model/index'
import { checkTensors } from './check-tensors'
import { separateWeights } from './joined-weights'
import { withPlainNames } from './stored-names'
import { coveredWeights } from './trimmed'

/** What is known of a tensor before it is read. */
export interface StoredWeight {
  readonly shape: readonly number[]
  /** As it is stored. */
  readonly bytes: number
  /** Element type, as its format names it: F32, BF16, Q4_K. */
  readonly dtype: string
  /** Rows are read in multiples of this. */
  readonly rowStep: number
}

/** Rows of a matrix, or elements of a vector. */
export interface Rows {
  first: number
  count: number
}

/** Stored weights of any file format: what there is, and the bytes of a tensor or of some of its rows. */
export interface Weights {
  /** Where they are, for errors. */
  readonly where: string
  readonly tensors: ReadonlyMap<string, StoredWeight>
  /** Brings the files near, where they are far: before all of the tensors are read. */
  keep?(): Promise<void>
  read(name: string, rows?: Rows): Promise<Uint8Array>
}

/** A tensor's elements as f32. */
export async function readWeight(weights: Weights, name: string): Promise<Float32Array> {
  return storedToFloats(await weights.read(name), weights.tensors.get(name)!.dtype)
}

/** Where rows are among the bytes of a tensor. */
export function partOf({ shape, start, end }: { shape: readonly number[]; start: number; end: number }, rows?: Rows) {
  const { first, count } = rows ?? { first: 0, count: shape[0] ?? 1 }
  const rowBytes = (end - start) / (shape[0] || 1)
  return { first: first * rowBytes, count: count * rowBytes }
}

/** The weights of a directory with safetensors, single or sharded; or of one file in it. */
export async function safetensorsWeights(directory: Directory, file?: string): Promise<Weights> {
  const { tensors } = file === undefined ? await openSafetensors(directory) : await readSafetensors(directory, file)
  const sizes = [...tensors.values()].map(
    ({ name, shape, dtype, start, end }) => [name, { shape, dtype, bytes: end - start, rowStep: 1 }] as const,
  )
  return {
    where: directory.name,
    tensors: new Map(sizes),
    async keep() {
      for (const name of new Set([...tensors.values()].map((entry) => entry.file))) await directory.keep?.(name)
    },
    async read(name, rows) {
      const entry = tensors.get(name)!
      return readBytes(directory, entry, partOf(entry, rows))
    },
  }
}

/**
 * The weights of a model directory under the names of its parameters, however they are stored.
 *
 * @param shapes  of the parameters, by name
 */
export async function modelWeights(
  directory: Directory,
  { joined, covered }: Pick<StoredForm, 'joined' | 'covered'>,
  shapes: ReadonlyMap<string, readonly number[]>,
): Promise<Weights> {
  const stored = withPlainNames(await safetensorsWeights(directory))
  const separate = joined ? separateWeights(stored, joined, shapes) : stored
  return covered ? coveredWeights(separate, covered) : separate
}

/** How far a model is loaded. */
export interface LoadProgress {
  loadedBytes: number
  totalBytes: number
  /** The tensor that is being loaded. */
  tensor: string
}

/** Element types that weights can be converted to as they are loaded. */
export const loadDtypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0'] as const

export type LoadDtype = (typeof loadDtypes)[number]

/** Bytes that are read at once. */
const chunkBytes = 16 * 2 ** 20

/**
 * Brings weights onto a device, a few rows after another, after checking that they are the ones expected. However large the
 * model, the host holds some times `chunkBytes`.
 *
 * @param expected             names and shapes of the parameters
 * @param options.disregarded  names that a file may hold beside them
 * @param options.dtype        of the matrices (`deviceDtype`); by default as they are stored
 * @throws OutriderError FILE_FORMAT for missing, unexpected or wrongly shaped tensors; UNSUPPORTED for elements that are no
 *   weights; ABORTED
 */
export async function loadParameters(
  device: Device,
  weights: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
  options: {
    disregarded?: (name: string) => boolean
    dtype?: LoadDtype | undefined
    onProgress?: ((progress: LoadProgress) => void) | undefined
    signal?: AbortSignal | undefined
  } = {},
): Promise<ModelParameters> {
  checkTensors(weights, expected, options.disregarded ?? (() => false))
  const names = [...expected.keys()]
  const totalBytes = names.reduce((bytes, name) => bytes + weights.tensors.get(name)!.bytes, 0)
  const parameters: ModelParameters = {}
  let loadedBytes = 0
  let queuedBytes = 0
  try {
    for (const name of names) {
      const shape = [...expected.get(name)!]
      const stored = weights.tensors.get(name)!
      const tensor = device.empty(shape, deviceDtype(name, stored, options.dtype)).keep()
      parameters[name] = tensor
      const [height] = shape as [number]
      const step = rowsAtOnce(stored, height)
      for (let first = 0; first < height; first += step) {
        if (options.signal?.aborted)
          throw new OutriderError('ABORTED', `Loading ${weights.where} was aborted.`, { cause: options.signal.reason })
        const rows = { first, count: Math.min(step, height - first) }
        const bytes = await weights.read(name, rows)
        const kept = weightDtype(stored.dtype) === tensor.dtype
        tensor.writeRows(kept ? bytes : storedToFloats(bytes, stored.dtype), rows)
        loadedBytes += bytes.length
        queuedBytes += bytes.length
        // What is written waits in host memory until the device has taken it.
        if (queuedBytes >= chunkBytes) {
          await device.idle()
          queuedBytes = 0
        }
        options.onProgress?.({ loadedBytes, totalBytes, tensor: name })
      }
    }
    return parameters
  } catch (error) {
    for (const tensor of Object.values(parameters)) tensor.dispose()
    throw error
  }
}

/** Even, as the scales of one row may end within a word. */
function rowsAtOnce({ shape, bytes, rowStep }: StoredWeight, height: number): number {
  const step = rowStep % 2 === 0 ? rowStep : 2 * rowStep
  const rowBytes = bytes / (shape[0] ?? 1)
  return Math.min(height, Math.max(step, Math.floor(chunkBytes / rowBytes / step) * step))
}

/**
 * What a parameter becomes on the device. Vectors are f32. Matrices are what is wanted, or what they are stored as; q4_0 makes the
 * embedding and the head q8_0, whose errors would be those of every token. What does not divide into blocks is f16, and rows
 * that are no multiples of 8 are f32.
 *
 * @throws OutriderError UNSUPPORTED for elements that are no weights
 */
export function deviceDtype(
  name: string,
  { shape, dtype: stored }: Pick<StoredWeight, 'shape' | 'dtype'>,
  wanted?: LoadDtype,
): WeightDtype {
  const as = heldDtype(stored)
  if (!as)
    throw new OutriderError('UNSUPPORTED', `Tensor "${name}" has elements of type ${stored}, which are no weights.`, {
      remedy: 'Convert the model to F32, F16 or BF16.',
      details: { tensor: name },
    })
  if (shape.length < 2) return 'f32'
  const isTable = name.includes('embed_tokens') || name.includes('lm_head')
  const dtype = wanted === undefined ? as : wanted === 'q4_0' && isTable ? 'q8_0' : wanted
  const columns = shape.at(-1)!
  if (dtype === 'f32' || columns % 8 !== 0) return 'f32'
  return columns % formats[dtype].elements === 0 ? dtype : 'f16'
}

/** Bytes that the parameters take on the device in a dtype, or as they are stored. */
export function weightBytes(
  { tensors }: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
  dtype?: LoadDtype,
): number {
  let bytes = 0
  for (const [name, shape] of expected) {
    const stored = tensors.get(name)
    const size = shape.reduce((product, length) => product * length, 1)
    if (stored) bytes += storedBytes(size, deviceDtype(name, stored, dtype))
  }
  return bytes
}
