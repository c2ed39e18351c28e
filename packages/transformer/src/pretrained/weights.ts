import { type Device, OutriderError } from '@outrider/tensor'
import { familyOf } from '../config/families/index'
import type { ModelConfig } from '../config/index'
import { type Directory, openSafetensors, readFloats, readSafetensors } from '../files/index'
import { llamaParameterShapes, type Parameters } from '../model/index'
import { separateWeights } from './joined-weights'

/** What is known of a tensor before it is read. */
export interface StoredWeight {
  readonly shape: readonly number[]
  /** As it is stored. */
  readonly bytes: number
  /** Element type, as its format names it: F32, BF16, Q4_K. */
  readonly dtype: string
}

/** Stored weights of any file format: what there is, and one tensor's values at a time. */
export interface Weights {
  /** Where they are, for errors. */
  readonly where: string
  readonly tensors: ReadonlyMap<string, StoredWeight>
  /** Brings the files near, where they are far: before all of the tensors are read. */
  keep?(): Promise<void>
  /** The elements of a tensor as f32, row-major. */
  read(name: string): Promise<Float32Array>
}

/** The weights of a directory with safetensors, single or sharded; or of one file in it. */
export async function safetensorsWeights(directory: Directory, file?: string): Promise<Weights> {
  const { tensors } = file === undefined ? await openSafetensors(directory) : await readSafetensors(directory, file)
  const sizes = [...tensors.values()].map(
    ({ name, shape, dtype, start, end }) => [name, { shape, dtype, bytes: end - start }] as const,
  )
  return {
    where: directory.name,
    tensors: new Map(sizes),
    async keep() {
      for (const name of new Set([...tensors.values()].map((entry) => entry.file))) await directory.keep?.(name)
    },
    read: (name) => readFloats(directory, tensors.get(name)!),
  }
}

/** The weights of a model directory under the names of its parameters, however its family stores them. */
export async function modelWeights(directory: Directory, config: ModelConfig): Promise<Weights> {
  const stored = await safetensorsWeights(directory)
  const { joined } = familyOf(config)
  return joined ? separateWeights(stored, joined, llamaParameterShapes(config)) : stored
}

/** How far a model is loaded. */
export interface LoadProgress {
  loadedBytes: number
  totalBytes: number
  /** The tensor just loaded. */
  tensor: string
}

/**
 * Brings weights onto a device, one tensor after another, after checking that they are the ones expected.
 *
 * @param expected    names and shapes of the parameters
 * @param disregarded names that a file may hold beside them
 * @throws OutriderError FILE_FORMAT for missing, unexpected or wrongly shaped tensors; ABORTED
 */
export async function loadParameters(
  device: Device,
  weights: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
  options: {
    disregarded?: (name: string) => boolean
    onProgress?: ((progress: LoadProgress) => void) | undefined
    signal?: AbortSignal | undefined
  } = {},
): Promise<Parameters> {
  checkTensors(weights, expected, options.disregarded ?? (() => false))
  const names = [...expected.keys()]
  const totalBytes = names.reduce((bytes, name) => bytes + weights.tensors.get(name)!.bytes, 0)
  const parameters: Parameters = {}
  let loadedBytes = 0
  try {
    for (const name of names) {
      if (options.signal?.aborted)
        throw new OutriderError('ABORTED', `Loading ${weights.where} was aborted.`, { cause: options.signal.reason })
      const values = await weights.read(name)
      parameters[name] = device.tensor(values, { shape: [...expected.get(name)!] }).keep()
      loadedBytes += weights.tensors.get(name)!.bytes
      options.onProgress?.({ loadedBytes, totalBytes, tensor: name })
    }
    return parameters
  } catch (error) {
    for (const tensor of Object.values(parameters)) tensor.dispose()
    throw error
  }
}

function checkTensors(
  { where, tensors }: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
  disregarded: (name: string) => boolean,
): void {
  const fail = (message: string, details: Record<string, unknown>) =>
    new OutriderError('FILE_FORMAT', `${where}: ${message}.`, {
      remedy: 'Configuration and weights are of different models, or the copy is incomplete.',
      details,
    })
  const missing = [...expected.keys()].filter((name) => !tensors.has(name))
  if (missing.length > 0)
    throw fail(`the weights lack ${listed(missing)}, which the configuration calls for`, { missing })
  for (const [name, shape] of expected) {
    const found = tensors.get(name)!.shape
    if (found.join() !== shape.join())
      throw fail(`tensor "${name}" is [${found.join(', ')}]; the configuration makes it [${shape.join(', ')}]`, {
        tensor: name,
        found,
        expected: shape,
      })
  }
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name) && !disregarded(name))
  if (unexpected.length > 0)
    throw fail(`the weights have ${listed(unexpected)}, which the configuration does not call for`, { unexpected })
}

const listed = (names: readonly string[]) =>
  `${names.length === 1 ? 'tensor' : `${names.length} tensors:`} ${names
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(', ')}${names.length > 3 ? ', …' : ''}`
