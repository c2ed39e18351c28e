import { embedding, OutriderError, type Tensor } from '@outrider/tensor'
import { isFormat } from '@outrider/tensor/internal'
import type { ModelFamily } from '../config/families/index'
import type { Weights } from './weights'

type Joined = NonNullable<ModelFamily['joined']>

/**
 * Weights in which joined matrices appear as the parameters that they are made of.
 *
 * @param expected  names and shapes of the parameters
 * @throws OutriderError FILE_FORMAT for a joined matrix that is not as high as its parts together
 */
export function separateWeights(
  weights: Weights,
  joined: Joined,
  expected: ReadonlyMap<string, readonly number[]>,
): Weights {
  const tensors = new Map(weights.tensors)
  /** By parameter: the stored matrix that it is in, and its rows there. */
  const places = new Map<string, { stored: string; first: number; rows: number }>()
  for (const [stored, parts] of joinedNames(joined, expected)) {
    const found = weights.tensors.get(stored)
    if (!found) continue
    const shapes = parts.map((part) => expected.get(part)!)
    const height = shapes.reduce((sum, [rows]) => sum + rows!, 0)
    const columns = shapes[0]![1]!
    if (found.shape.join() !== [height, columns].join())
      throw new OutriderError(
        'FILE_FORMAT',
        `${weights.where}: tensor "${stored}" is [${found.shape.join(', ')}]; the configuration makes it [${height}, ${columns}].`,
        { remedy: 'Configuration and weights are of different models, or the copy is incomplete.' },
      )
    tensors.delete(stored)
    let first = 0
    for (const [i, part] of parts.entries()) {
      const [rows] = shapes[i] as [number]
      places.set(part, { stored, first, rows })
      tensors.set(part, { ...found, shape: shapes[i]!, bytes: (found.bytes * rows) / height })
      first += rows
    }
  }
  return {
    ...weights,
    tensors,
    async read(name, part) {
      const place = places.get(name)
      if (!place) return weights.read(name, part)
      const { first, count } = part ?? { first: 0, count: place.rows }
      return weights.read(place.stored, { first: place.first + first, count })
    },
  }
}

/** A parameter, or several in one matrix, as it is stored. */
export interface StoredParameter {
  name: string
  shape: readonly number[]
  /** Its elements, read from the device now. */
  values(): Promise<Float32Array>
}

/** Parameters as they are stored: each alone, or several in one matrix, one above another. */
export function joinParameters(parameters: Readonly<Record<string, Tensor>>, joined: Joined = {}): StoredParameter[] {
  const shapes = new Map(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))
  const stored = joinedNames(joined, shapes)
  const inside = new Set([...stored.values()].flat())
  const alone = Object.entries(parameters).filter(([name]) => !inside.has(name))
  return [
    ...alone.map(([name, tensor]) => ({ name, shape: tensor.shape, values: () => floatsOf(tensor) })),
    ...[...stored].map(([name, names]) => {
      const parts = names.map((part) => parameters[part]!)
      const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0)
      return {
        name,
        shape: [rows, parts[0]!.shape[1]!],
        values: async () => stacked(await Promise.all(parts.map(floatsOf))),
      }
    }),
  ]
}

/** Rows that are widened on the device at once. */
const widenedBytes = 16 * 2 ** 20

/** The values of a parameter; of weights in another format, what they mean. */
async function floatsOf(tensor: Tensor): Promise<Float32Array> {
  const { device, dtype, shape } = tensor
  if (dtype === 'f32') return (await tensor.data()) as Float32Array
  if (!isFormat(dtype) || shape.length !== 2)
    throw new OutriderError(
      'DTYPE_MISMATCH',
      'A parameter is not made of floating-point numbers, so it cannot be saved.',
    )
  const [rows, columns] = shape as [number, number]
  const step = Math.max(1, Math.floor(widenedBytes / (4 * columns)))
  const parts: Float32Array[] = []
  for (let first = 0; first < rows; first += step) {
    const ids = Uint32Array.from({ length: Math.min(step, rows - first) }, (_, i) => first + i)
    using widened = device.scope(() => embedding(tensor, device.tensor(ids)))
    parts.push((await widened.data()) as Float32Array)
  }
  return stacked(parts)
}

function stacked(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((size, part) => size + part.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

/** The joined matrices of a model, with the names of their parts. */
export function joinedNames(joined: Joined, parameters: ReadonlyMap<string, unknown>): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const [stored, parts] of Object.entries(joined))
    for (const name of parameters.keys()) {
      const end = `.${parts[0]}.weight`
      if (!name.endsWith(end)) continue
      const prefix = name.slice(0, -end.length)
      names.set(
        `${prefix}.${stored}.weight`,
        parts.map((part) => `${prefix}.${part}.weight`),
      )
    }
  return names
}
