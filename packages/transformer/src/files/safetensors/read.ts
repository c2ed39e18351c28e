import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { readJson } from '../json'
import { readBytes } from '../read-bytes'
import { storedToFloats } from '../stored-floats'
import { type StoredTensor, storedToArray } from './dtype'
import { headerLength, parseSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from './header'

/** The tensors of a model, over one file or many. Nothing but headers has been read. */
export interface SafetensorsFiles {
  tensors: Map<string, SafetensorsEntry>
  /** Bytes of all tensors. */
  bytes: number
}

export const singleFile = 'model.safetensors'
export const indexFile = 'model.safetensors.index.json'

/**
 * Reads and checks the header of one safetensors file.
 *
 * @throws OutriderError FILE_MISSING; FILE_FORMAT naming the file, the tensor and the byte
 */
export async function readSafetensors(directory: Directory, file: string = singleFile): Promise<SafetensorsHeader> {
  const where = `${directory.name}/${file}`
  const fileBytes = await directory.size(file)
  const length = headerLength(await directory.read(file, { start: 0, end: 512 }), fileBytes, where)
  const json = await directory.read(file, { start: 8, end: 8 + length })
  return parseSafetensorsHeader(json, file, fileBytes, where)
}

/**
 * Finds the weights of a directory: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 *
 * @throws OutriderError FILE_MISSING where there is neither, or a shard is missing; FILE_FORMAT
 */
export async function openSafetensors(directory: Directory): Promise<SafetensorsFiles> {
  if (await directory.has(singleFile)) return gather([(await readSafetensors(directory)).tensors])
  if (await directory.has(indexFile)) return openShards(directory)
  // Something else in the file's place says more than that it is not there.
  await directory.size(singleFile).catch((error: OutriderError) => {
    if (error.details?.instead !== undefined) throw error
  })
  throw new OutriderError('FILE_MISSING', `${directory.name} has neither ${singleFile} nor ${indexFile}.`, {
    remedy: 'Weights in other formats (pytorch_model.bin, for one) must be converted to safetensors first.',
    details: { directory: directory.name },
  })
}

async function openShards(directory: Directory): Promise<SafetensorsFiles> {
  const where = `${directory.name}/${indexFile}`
  const index = (await readJson(directory, indexFile)) as { weight_map?: Record<string, unknown> } | null
  const map = index?.weight_map
  if (typeof map !== 'object' || map === null || Object.values(map).some((file) => typeof file !== 'string'))
    throw new OutriderError('FILE_FORMAT', `${where} has no weight_map from tensor to file.`, {
      remedy: 'Copy or download it again.',
    })
  const shards = new Map<string, SafetensorsHeader>()
  for (const file of [...new Set(Object.values(map) as string[])].sort())
    shards.set(file, await readSafetensors(directory, file))
  for (const [tensor, file] of Object.entries(map))
    if (!shards.get(file as string)!.tensors.has(tensor))
      throw new OutriderError('FILE_FORMAT', `${where} places tensor "${tensor}" in ${file}, which does not have it.`, {
        remedy: 'The index and the shards are of different models; copy or download them again.',
        details: { file: where, tensor },
      })
  return gather([...shards.values()].map(({ tensors }) => tensors))
}

function gather(files: Map<string, SafetensorsEntry>[]): SafetensorsFiles {
  const tensors = new Map<string, SafetensorsEntry>()
  let bytes = 0
  for (const entry of files.flatMap((file) => [...file.values()])) {
    const other = tensors.get(entry.name)
    if (other)
      throw new OutriderError('FILE_FORMAT', `Tensor "${entry.name}" is in ${other.file} and in ${entry.file}.`, {
        remedy: 'Remove the shard that does not belong to the model.',
        details: { tensor: entry.name },
      })
    tensors.set(entry.name, entry)
    bytes += entry.end - entry.start
  }
  return { tensors, bytes }
}

/** One tensor's elements: F16 and BF16 as f32, F32, I32, U32 and I64 as they are. */
export async function readTensor(directory: Directory, entry: SafetensorsEntry): Promise<StoredTensor> {
  return storedToArray(await readBytes(directory, entry), entry.dtype)
}

/**
 * One tensor's elements as f32.
 *
 * @throws OutriderError UNSUPPORTED for a tensor that is not F32, F16 or BF16
 */
export async function readFloats(directory: Directory, entry: SafetensorsEntry): Promise<Float32Array> {
  return storedToFloats(await readBytes(directory, entry), entry.dtype)
}
