import { OutriderError } from '@outrider/tensor'
import { insteadOf } from '../instead'
import { dtypeBits, type SafetensorsDtype, storedLength } from './dtype'

/** Where one tensor is: its elements lie at bytes [start, end) of the file, row-major, little-endian. */
export interface SafetensorsEntry {
  name: string
  dtype: SafetensorsDtype
  shape: number[]
  file: string
  start: number
  end: number
}

export interface SafetensorsHeader {
  tensors: Map<string, SafetensorsEntry>
  metadata: Record<string, string>
}

/** The format's own limit on the header's JSON. */
export const maxHeaderBytes = 100_000_000

/**
 * The length of the JSON header that the first 8 bytes of a file state. Of more bytes it is seen what else the file may be.
 *
 * @throws OutriderError FILE_FORMAT where the file cannot hold it
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, where: string): number {
  if (prefix.length < 8)
    throw broken(where, 0, `the file has ${fileBytes} bytes, fewer than the 8 of the header length`)
  const instead = insteadOf(prefix, 'safetensors')
  if (instead) throw broken(where, 0, `it is ${instead.what}`, undefined, undefined, instead.remedy)
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true))
  if (length > maxHeaderBytes)
    throw broken(where, 0, `the header claims ${length} bytes; at most ${maxHeaderBytes} are allowed`)
  if (length > fileBytes - 8)
    throw broken(where, 0, `the header claims ${length} bytes, and the file ends after ${fileBytes - 8} of them`)
  return length
}

/**
 * Parses the header of a safetensors file and checks everything that it says: dtypes, shapes, the bytes of each tensor,
 * and that together the tensors cover the data without gap or overlap.
 *
 * @param json       bytes of the header, after the 8 of its length
 * @param file       the file's name, for the entries
 * @param fileBytes  bytes of the whole file
 * @param where      the file's full name, for errors
 * @throws OutriderError FILE_FORMAT, naming the file, the tensor and the byte; UNSUPPORTED for a dtype that nothing is known of
 */
export function parseSafetensorsHeader(
  json: Uint8Array,
  file: string,
  fileBytes: number,
  where = file,
): SafetensorsHeader {
  const object = headerObject(json, where)
  const dataStart = 8 + json.length
  const metadata: Record<string, string> = {}
  const tensors = new Map<string, SafetensorsEntry>()
  for (const [name, value] of Object.entries(object)) {
    if (name === '__metadata__') {
      if (!isObject(value) && value !== null) throw broken(where, 8, 'the metadata is not an object')
      for (const [key, text] of Object.entries(value ?? {})) if (typeof text === 'string') metadata[key] = text
    } else {
      const { dtype, shape, offsets } = checkEntry(name, value, where)
      const [start, end] = [dataStart + offsets[0], dataStart + offsets[1]]
      if (end > fileBytes)
        throw broken(
          where,
          fileBytes,
          `tensor "${name}" takes bytes ${start} to ${end}, and the file ends at ${fileBytes}`,
          name,
        )
      tensors.set(name, { name, dtype, shape, file, start, end })
    }
  }
  checkCoverage(tensors, dataStart, fileBytes, where)
  return { tensors, metadata }
}

function headerObject(json: Uint8Array, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
    if (isObject(value)) return value
  } catch (cause) {
    throw broken(where, 8, `the header is not valid JSON (${(cause as Error).message})`, undefined, cause)
  }
  throw broken(where, 8, 'the header is not a JSON object')
}

function checkEntry(name: string, value: unknown, where: string) {
  const fail = (what: string) => broken(where, 8, `tensor "${name}": ${what}`, name)
  if (!isObject(value)) throw fail('its entry is not an object')
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypeBits, dtype)) throw unknownDtype(dtype, name, where)
  if (!isCounts(shape)) throw fail(`its shape ${JSON.stringify(shape)} is not a list of sizes`)
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!)
    throw fail(`its data_offsets ${JSON.stringify(offsets)} are not a begin and an end`)
  const bytes = storedLength(shape, dtype as SafetensorsDtype)
  const taken = offsets[1]! - offsets[0]!
  if (bytes !== taken)
    throw fail(`shape [${shape.join(', ')}] of ${dtype} needs ${bytes} bytes, and its data_offsets hold ${taken}`)
  return { dtype: dtype as SafetensorsDtype, shape, offsets: offsets as [number, number] }
}

/** What has the form of a dtype's name may be one of a later version of the format. */
function unknownDtype(dtype: unknown, name: string, where: string): OutriderError {
  if (typeof dtype !== 'string' || !/^[A-Z]+\d+(_?[A-Z\d]+)*$/.test(dtype))
    return broken(where, 8, `tensor "${name}": unknown dtype ${JSON.stringify(dtype)}`, name)
  return new OutriderError('UNSUPPORTED', `${where}: tensor "${name}" has elements of type ${dtype}.`, {
    remedy: `Known are ${Object.keys(dtypeBits).join(', ')}: convert the model to F32, F16 or BF16.`,
    details: { file: where, tensor: name, dtype },
  })
}

function checkCoverage(
  tensors: Map<string, SafetensorsEntry>,
  dataStart: number,
  fileBytes: number,
  where: string,
): void {
  let position = dataStart
  let before = ''
  for (const { name, start, end } of [...tensors.values()].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < position) throw broken(where, start, `tensor "${name}" begins inside tensor "${before}"`, name)
    if (start > position)
      throw broken(where, position, `${start - position} bytes before tensor "${name}" belong to no tensor`, name)
    position = end
    before = name
  }
  if (position !== fileBytes)
    throw broken(where, position, `${fileBytes - position} bytes after the last tensor belong to no tensor`)
}

function broken(
  where: string,
  byte: number,
  what: string,
  tensor?: string,
  cause?: unknown,
  remedy = 'It may be cut off or damaged; copy or download it again.',
): OutriderError {
  return new OutriderError('FILE_FORMAT', `${where} is not a valid safetensors file: byte ${byte}: ${what}.`, {
    remedy,
    cause,
    details: { file: where, byte, ...(tensor === undefined ? {} : { tensor }) },
  })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
