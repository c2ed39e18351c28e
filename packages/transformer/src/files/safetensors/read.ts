import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { otherModelIn } from '../other-models'
import { readBytes } from '../read-bytes'
import { storedToFloats } from '../stored-floats'
import { type StoredTensor, storedToArray } from './dtype'
import { headerLength, parseSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from './header'
import { indexFile, readWeightMap, shardsAmong, shardsMissing } from './shards'

/** The tensors of a model, over one file or many. Nothing but headers has been read. */
export interface SafetensorsFiles {
  tensors: Map<string, SafetensorsEntry>
  /** Bytes of all tensors. */
  bytes: number
}

export const singleFile = 'model.safetensors'

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
 * Finds the weights of a directory: `model.safetensors`, or the shards that `model.safetensors.index.json` names; without an
 * index, the shards that are there, where by their names none is missing.
 *
 * @throws OutriderError FILE_MISSING where there is none of these, or a shard is missing, with what is there instead; FILE_FORMAT
 */
export async function openSafetensors(directory: Directory): Promise<SafetensorsFiles> {
  if (await directory.has(singleFile)) return gather([(await readSafetensors(directory)).tensors])
  if (await directory.has(indexFile)) return openShards(directory)
  const names = await directory.list().catch((): string[] => [])
  const shards = shardsAmong(directory.name, names)
  if (shards) return gather((await readShards(directory, shards)).map(({ tensors }) => tensors))
  // Something else in the file's place says more than that it is not there.
  await directory.size(singleFile).catch((error: OutriderError) => {
    if (error.details?.instead !== undefined) throw error
  })
  const other = await otherModelIn(directory, names)
  throw new OutriderError(
    'FILE_MISSING',
    `${directory.name} has neither ${singleFile} nor ${indexFile}${other ? `, but ${other.what}` : ''}.`,
    {
      remedy:
        other?.remedy ?? 'Copy or download the weights too. Those in other formats must be converted to safetensors.',
      details: { directory: directory.name },
    },
  )
}

async function openShards(directory: Directory): Promise<SafetensorsFiles> {
  const map = await readWeightMap(directory)
  const files = [...new Set(Object.values(map))].sort()
  const headers = await readShards(directory, files)
  const shards = new Map(files.map((file, i) => [file, headers[i]!]))
  for (const [tensor, file] of Object.entries(map))
    if (!shards.get(file)!.tensors.has(tensor)) {
      const where = `${directory.name}/${indexFile}`
      throw new OutriderError('FILE_FORMAT', `${where} places tensor "${tensor}" in ${file}, which does not have it.`, {
        remedy: 'The index and the shards are of different models; copy or download them again.',
        details: { file: where, tensor },
      })
    }
  return gather(headers.map(({ tensors }) => tensors))
}

/** The headers of shards; all that are missing are named. */
async function readShards(directory: Directory, files: readonly string[]): Promise<SafetensorsHeader[]> {
  const headers: SafetensorsHeader[] = []
  const missing: string[] = []
  for (const file of files)
    try {
      headers.push(await readSafetensors(directory, file))
    } catch (error) {
      const { code, details } = error as OutriderError
      if (code !== 'FILE_MISSING' || details.file !== file || details.instead !== undefined) throw error
      missing.push(file)
    }
  if (missing.length > 0) throw shardsMissing(directory.name, missing, files.length)
  return headers
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

/**
 * One tensor's elements: floating-point numbers as f32; I32, U32 and I64 as they are.
 *
 * @throws OutriderError UNSUPPORTED for other types
 */
export async function readTensor(directory: Directory, entry: SafetensorsEntry): Promise<StoredTensor> {
  return storedToArray(await readBytes(directory, entry), entry.dtype)
}

/**
 * One tensor's elements as f32.
 *
 * @throws OutriderError UNSUPPORTED for a tensor that is not F64, F32, F16, BF16 or F8 (E4M3, E5M2, and their FNUZ kinds)
 */
export async function readFloats(directory: Directory, entry: SafetensorsEntry): Promise<Float32Array> {
  return storedToFloats(await readBytes(directory, entry), entry.dtype)
}
