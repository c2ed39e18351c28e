import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { insteadOf } from '../instead'
import { readBytes } from '../read-bytes'
import { storedToFloats } from '../stored-floats'
import { type GgufDtype, ggufDtype, ggufDtypes } from './dtype'
import { broken, type GgufMetadataValue, HeaderReader, moreNeeded } from './header-reader'
import { otherParts } from './split'

export type { GgufMetadataValue } from './header-reader'

/** Where one tensor is: bytes [start, end) of a file; its shape row-major. */
export interface GgufEntry {
  name: string
  dtype: GgufDtype
  shape: number[]
  file: string
  start: number
  end: number
}

export interface GgufFile {
  directory: Directory
  /** The file, or the first of several that are a model together. */
  file: string
  /** The file's full name, for errors. */
  where: string
  metadata: Map<string, GgufMetadataValue>
  /** The tensors of all parts. */
  tensors: Map<string, GgufEntry>
}

/** Vocabularies take megabytes; a header that claims more than this is no model's. */
const maxHeaderBytes = 256 * 2 ** 20
const firstRead = 2 ** 20

/**
 * Reads and checks the header of a GGUF file: every length against the file's size, every tensor's bytes against its shape.
 * The headers of the other parts are read too, where the file is the first of a split model (`m-00001-of-00003.gguf`).
 *
 * @throws OutriderError FILE_MISSING, also for a part; FILE_FORMAT naming the file, the byte and the tensor; UNSUPPORTED for
 *   element types that are not implemented, by name, for version 1, and for numbers in big-endian order; INVALID_ARGUMENT for
 *   a part that is not the first
 */
export async function openGguf(directory: Directory, file: string): Promise<GgufFile> {
  const first = await openPart(directory, file)
  for (const part of await otherParts(first, (name) => openPart(directory, name)))
    for (const [name, entry] of part.tensors) first.tensors.set(name, entry)
  return first
}

async function openPart(directory: Directory, file: string): Promise<GgufFile> {
  const where = `${directory.name}/${file}`
  const fileBytes = await directory.size(file)
  if (fileBytes < 4) throw notGguf(await directory.read(file), where)
  // The header says nowhere how long it is: read on where it goes on.
  for (let length = firstRead; ; length *= 4) {
    const end = Math.min(length, fileBytes, maxHeaderBytes)
    const bytes = await directory.read(file, { start: 0, end })
    try {
      return { directory, file, where, ...parseHeader(bytes, { file, fileBytes, where }) }
    } catch (error) {
      if (error !== moreNeeded) throw error
      if (end === fileBytes) throw broken(where, end, 'the file ends inside the header')
      if (end === maxHeaderBytes) throw broken(where, end, `the header takes more than ${maxHeaderBytes} bytes`)
    }
  }
}

/** A tensor's elements as f32, row-major. */
export async function readGgufFloats({ directory }: GgufFile, entry: GgufEntry): Promise<Float32Array> {
  return storedToFloats(await readBytes(directory, entry), entry.dtype)
}

/** Texts that something is computed with. */
const isUsedText = (key: string) => key.startsWith('tokenizer.') || key === 'general.architecture'

function parseHeader(
  bytes: Uint8Array,
  { file, fileBytes, where }: { file: string; fileBytes: number; where: string },
): Pick<GgufFile, 'metadata' | 'tensors'> {
  const reader = new HeaderReader(bytes, fileBytes, where)
  const magic = reader.u32()
  if (magic === 0x47475546) throw bigEndian(where)
  if (magic !== 0x46554747) throw notGguf(bytes, where)
  checkVersion(reader)
  const tensorCount = reader.count(24, 'tensors')
  const metadataCount = reader.count(13, 'metadata values')
  const metadata = new Map<string, GgufMetadataValue>()
  for (let i = 0; i < metadataCount; i++) {
    const key = reader.string()
    if (metadata.has(key)) throw reader.broken(`the key ${JSON.stringify(key)} is there twice`)
    metadata.set(key, reader.value(reader.u32(), isUsedText(key)))
  }
  const entries = Array.from({ length: tensorCount }, () => tensorEntry(reader))
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || alignment < 8 || alignment > 65_536 || alignment % 8 !== 0)
    throw reader.broken(`general.alignment is ${JSON.stringify(alignment)}`)
  const dataStart = Math.ceil(reader.position / alignment) * alignment
  const tensors = new Map<string, GgufEntry>()
  for (const { offset, bytes: size, ...entry } of entries) {
    const [start, end] = [dataStart + offset, dataStart + offset + size]
    if (tensors.has(entry.name)) throw broken(where, start, `tensor "${entry.name}" is there twice`, entry.name)
    if (offset % alignment !== 0)
      throw broken(where, start, `tensor "${entry.name}" is not aligned to ${alignment} bytes`, entry.name)
    if (end > fileBytes)
      throw broken(
        where,
        fileBytes,
        `tensor "${entry.name}" takes bytes ${start} to ${end}, and the file ends at ${fileBytes}`,
        entry.name,
      )
    tensors.set(entry.name, { ...entry, file, start, end })
  }
  return { metadata, tensors }
}

function checkVersion(reader: HeaderReader): void {
  const version = reader.u32()
  // The magic is the same in either order of bytes; a version in the lower half is not.
  if (version !== 0 && (version & 0xffff) === 0) throw bigEndian(reader.where)
  if (version === 1)
    throw new OutriderError('UNSUPPORTED', `${reader.where} is GGUF of version 1, of August 2023; 2 and 3 are read.`, {
      remedy: 'Download a newer copy, or convert the model again.',
      details: { file: reader.where, version },
    })
  if (version !== 2 && version !== 3) throw reader.broken(`version ${version} is not 2 or 3`, 4)
}

function bigEndian(where: string): OutriderError {
  return new OutriderError(
    'UNSUPPORTED',
    `${where} is GGUF in big-endian order of bytes (s390x has it), which is not supported.`,
    {
      remedy: 'Use the little-endian file, or convert this one with "gguf-convert-endian FILE little" of gguf-py.',
      details: { file: where },
    },
  )
}

function tensorEntry(reader: HeaderReader) {
  const name = reader.string()
  const dimensions = reader.u32()
  if (dimensions < 1 || dimensions > 4) throw reader.broken(`tensor "${name}" has ${dimensions} dimensions`)
  const shape = Array.from({ length: dimensions }, () => reader.u64()).reverse()
  const { dtype, name: type } = ggufDtype(reader.u32())
  const offset = reader.u64()
  if (!dtype)
    throw new OutriderError(
      'UNSUPPORTED',
      `${reader.where}: tensor "${name}" has elements of type ${type}, which is not supported.`,
      {
        remedy: `Use a file of the same model with weights in ${Object.keys(ggufDtypes).join(', ')}; where there is none, llama.cpp makes one: llama-quantize --allow-requantize old.gguf new.gguf Q8_0.`,
        details: { tensor: name, type },
      },
    )
  const size = shape.reduce((product, length) => product * length, 1)
  const { elements, bytes } = ggufDtypes[dtype]
  if (!Number.isSafeInteger(size) || shape.includes(0) || shape.at(-1)! % elements !== 0)
    throw reader.broken(`tensor "${name}" of ${dtype} has the shape [${shape.join(', ')}]`)
  return { name, dtype, shape, offset, bytes: (size / elements) * bytes }
}

function notGguf(bytes: Uint8Array, where: string): OutriderError {
  const instead = insteadOf(bytes, 'gguf')
  const what = instead ? `it is ${instead.what}` : 'it does not begin with GGUF'
  return broken(where, 0, what, undefined, instead?.remedy)
}
