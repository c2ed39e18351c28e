import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { type SafetensorsDtype, storedLength } from './dtype'
import { singleFile } from './read'
import { indexFile } from './shards'

/** A tensor to write. `bytes` is asked for once, when its turn comes, so that one tensor at a time is in memory. */
export interface TensorToWrite {
  name: string
  dtype: SafetensorsDtype
  shape: readonly number[]
  bytes: () => Uint8Array | Promise<Uint8Array>
}

/**
 * Writes a safetensors file: tensors sorted by name, the header padded to 8 bytes; the same tensors give the same bytes.
 *
 * @throws OutriderError INVALID_ARGUMENT where a tensor's bytes do not fit its shape, FILE_WRITE
 */
export async function writeSafetensors(
  directory: Directory,
  file: string,
  tensors: readonly TensorToWrite[],
  metadata: Record<string, string> = { format: 'pt' },
): Promise<void> {
  const sorted = [...tensors].sort(byName)
  await directory.write(file, contents(sorted, metadata))
}

/**
 * Writes `model.safetensors`, or where the tensors take more than `maxShardBytes`, shards of at most that (a single larger
 * tensor has a shard of its own) with `model.safetensors.index.json`. What an earlier save left of the other form, or of other
 * shards, is removed at the end.
 */
export async function writeShardedSafetensors(
  directory: Directory,
  tensors: readonly TensorToWrite[],
  { maxShardBytes = 5_000_000_000 }: { maxShardBytes?: number } = {},
): Promise<void> {
  const before = await directory.list().catch((): string[] => [])
  const shards = planShards([...tensors].sort(byName), maxShardBytes)
  const written = shards.length <= 1 ? await writeWhole(directory, tensors) : await writeShards(directory, shards)
  for (const file of before) if (isWeights(file) && !written.includes(file)) await directory.remove(file)
}

const isWeights = (file: string): boolean =>
  file === singleFile || file === indexFile || /^model-\d+-of-\d+\.safetensors$/.test(file)

async function writeWhole(directory: Directory, tensors: readonly TensorToWrite[]): Promise<string[]> {
  await writeSafetensors(directory, singleFile, tensors)
  return [singleFile]
}

async function writeShards(directory: Directory, shards: readonly TensorToWrite[][]): Promise<string[]> {
  const weightMap: Record<string, string> = {}
  for (const [i, shard] of shards.entries()) {
    const file = `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`
    await writeSafetensors(directory, file, shard)
    for (const { name } of shard) weightMap[name] = file
  }
  const totalSize = shards.flat().reduce((bytes, tensor) => bytes + byteLength(tensor), 0)
  const index = { metadata: { total_size: totalSize }, weight_map: weightMap }
  await directory.write(indexFile, `${JSON.stringify(index, null, 2)}\n`)
  return [...new Set(Object.values(weightMap)), indexFile]
}

function planShards(tensors: readonly TensorToWrite[], maxShardBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = []
  let room = 0
  for (const tensor of tensors) {
    const bytes = byteLength(tensor)
    if (shards.length === 0 || bytes > room) {
      shards.push([])
      room = maxShardBytes
    }
    shards.at(-1)!.push(tensor)
    room -= bytes
  }
  return shards
}

async function* contents(
  tensors: readonly TensorToWrite[],
  metadata: Record<string, string>,
): AsyncGenerator<Uint8Array> {
  yield headerBytes(tensors, metadata)
  for (const tensor of tensors) {
    const bytes = await tensor.bytes()
    if (bytes.length !== byteLength(tensor))
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `Tensor "${tensor.name}" [${tensor.shape.join(', ')}] of ${tensor.dtype} needs ${byteLength(tensor)} bytes, not ${bytes.length}.`,
      )
    yield bytes
  }
}

function headerBytes(tensors: readonly TensorToWrite[], metadata: Record<string, string>): Uint8Array {
  let offset = 0
  const entries = tensors.map((tensor) => {
    const begin = offset
    offset += byteLength(tensor)
    return [tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, offset] }] as const
  })
  const text = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries]))
  const json = new TextEncoder().encode(text)
  const length = Math.ceil(json.length / 8) * 8
  const header = new Uint8Array(8 + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(json, 8)
  return header
}

const byteLength = ({ shape, dtype }: TensorToWrite) => storedLength(shape, dtype)
const byName = (a: TensorToWrite, b: TensorToWrite) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
const padded = (number: number) => String(number).padStart(5, '0')
