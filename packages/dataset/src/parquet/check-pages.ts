import type { ColumnMetaData, Compressors, SchemaTree } from 'hyparquet'
import type { ReadableFile } from '../sources/lines'
import { readStruct, type Struct } from './thrift'

/** What a column of a row group may hold, decompressed. */
export interface PageLimits {
  bytes: number
  values: number
}

/**
 * Walks the pages of a column and checks what their headers and their runs of repeated values announce, before a reader that
 * takes them at their word makes room for it: twelve bytes can say "this value, a thousand million times".
 *
 * @param path  the column in the schema, from the top level down
 * @returns where pages of values begin in the file
 * @throws Error saying what is wrong
 */
export async function checkPages(
  file: ReadableFile,
  meta: ColumnMetaData,
  path: readonly SchemaTree[],
  decompressors: Compressors,
  limits: PageLimits,
): Promise<Set<number>> {
  const starts = new Set<number>()
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
  const end = start + Number(meta.total_compressed_size)
  const levels = levelsOf(path)
  let bytes = 0
  let values = 0
  for (let at = start; at < end - 1; ) {
    const page = await readHeader(file, at, end)
    if (page.compressed > end - page.begin) throw new Error(`a page of ${page.compressed} bytes ends after its column`)
    if (page.size > largestPage || page.values > limits.values)
      throw new Error(`a page of ${page.size} bytes and ${page.values} values is larger than any`)
    bytes += page.size
    if (bytes > limits.bytes) throw new Error(`its pages are of more than ${limits.bytes} bytes`)
    const stored = await file.read(page.begin, page.begin + page.compressed)
    if (page.kind === 'data' || page.kind === 'data 2') starts.add(at)
    at = page.begin + page.compressed
    if (page.kind === 'index') continue
    if (page.kind === 'dictionary') {
      if (page.values > 8 * page.size + 8)
        throw new Error(`a dictionary of ${page.size} bytes cannot hold ${page.values} values`)
      continue
    }
    values += page.values
    if (values > Number(meta.num_values))
      throw new Error(`its pages hold more than the ${meta.num_values} values it should have`)
    if (page.encoding === deltaByteArray && page.values * page.size > 2 ** 32)
      throw new Error(
        'values written by what they share with the one before (DELTA_BYTE_ARRAY) are too many for a page',
      )
    checkRuns(page, stored, levels, meta, decompressors)
  }
  if (values < Number(meta.num_values)) throw new Error(`its pages hold ${values} of ${meta.num_values} values`)
  return starts
}

/** Writers make pages of a mebibyte or so. */
const largestPage = 2 ** 30

interface Page {
  kind: 'data' | 'data 2' | 'dictionary' | 'index'
  begin: number
  compressed: number
  size: number
  values: number
  encoding: number
  repetitionBytes: number
  definitionBytes: number
  isCompressed: boolean
}

const deltaByteArray = 7

async function readHeader(file: ReadableFile, at: number, end: number): Promise<Page> {
  for (let window = 1 << 12; ; window *= 8) {
    const bytes = await file.read(at, Math.min(at + window, end))
    const found = readStruct(bytes)
    if (found) return pageOf(found.struct, at + found.end)
    if (at + window >= end || window > 1 << 24) throw new Error('a page header does not end')
  }
}

function pageOf(header: Struct, begin: number): Page {
  const kind = (['data', 'index', 'dictionary', 'data 2'] as const)[count(header, 1)]
  if (!kind) throw new Error('a page is of an unknown kind')
  const own = header.get({ data: 5, index: 6, dictionary: 7, 'data 2': 8 }[kind])
  if (!(own instanceof Map) && kind !== 'index') throw new Error('a page has no header of its kind')
  const fields: Struct = own instanceof Map ? own : new Map()
  const second = kind === 'data 2'
  return {
    kind,
    begin,
    size: count(header, 2),
    compressed: count(header, 3),
    values: kind === 'index' ? 0 : count(fields, 1),
    encoding: kind === 'index' ? 0 : count(fields, second ? 4 : 2),
    definitionBytes: second ? count(fields, 5) : 0,
    repetitionBytes: second ? count(fields, 6) : 0,
    isCompressed: fields.get(7) !== false,
  }
}

function count(struct: Struct, field: number): number {
  const value = struct.get(field)
  if (typeof value === 'bigint' && value >= 0n && value <= 0x7fff_ffffn) return Number(value)
  throw new Error('a page header has no size where it should have one')
}

/** The highest levels of repetition and definition (Dremel), which say how many bits one takes. */
function levelsOf(path: readonly SchemaTree[]): { repetition: number; definition: number } {
  const types = path.map(({ element }) => element.repetition_type)
  return {
    repetition: types.filter((type) => type === 'REPEATED').length,
    definition: types.filter((type) => type !== 'REQUIRED').length,
  }
}

/** Levels and indices into the dictionary are written as runs; they must be as many as the page has values. */
function checkRuns(
  page: Page,
  stored: Uint8Array,
  { repetition, definition }: { repetition: number; definition: number },
  { codec, type }: ColumnMetaData,
  decompressors: Compressors,
): void {
  const decompress = (input: Uint8Array, length: number) =>
    codec === 'UNCOMPRESSED' ? input : decompressors[codec]!(input, length)
  const levelBytes = page.repetitionBytes + page.definitionBytes
  let values: Uint8Array
  if (page.kind === 'data 2') {
    if (levelBytes > stored.length || levelBytes > page.size)
      throw new Error('the levels of a page are longer than the page')
    if (repetition) walkRuns(stored.subarray(0, page.repetitionBytes), width(repetition), page.values)
    if (definition) walkRuns(stored.subarray(page.repetitionBytes, levelBytes), width(definition), page.values)
    const rest = stored.subarray(levelBytes)
    values = page.isCompressed && page.size > levelBytes ? decompress(rest, page.size - levelBytes) : rest
  } else {
    values = decompress(stored, page.size)
    for (const level of [repetition, definition]) {
      if (!level) continue
      const run = lengthPrefixed(values)
      walkRuns(run, width(level), page.values)
      values = values.subarray(4 + run.length)
    }
  }
  if (page.encoding === rle && type === 'BOOLEAN') walkRuns(lengthPrefixed(values), 1, page.values)
  else if ((page.encoding === plainDictionary || page.encoding === rleDictionary) && values[0])
    walkRuns(values.subarray(1), values[0], page.values)
}

const plainDictionary = 2
const rle = 3
const rleDictionary = 8
const width = (highest: number): number => 32 - Math.clz32(highest)

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) throw new Error('a page ends within its levels')
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  if (length > bytes.length - 4) throw new Error('a page ends within its levels')
  return bytes.subarray(4, 4 + length)
}

/** Writers fill the last run up to a multiple of eight, some further. */
const filledUp = 4096

/** Counts the values of runs (Parquet's hybrid of run lengths and packed bits) until there are as many as there must be. */
function walkRuns(bytes: Uint8Array, bits: number, most: number): void {
  for (let at = 0, seen = 0; seen < most && at < bytes.length; ) {
    let header = 0
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 28) throw new Error('a run has no length')
      header += (byte & 127) * 2 ** shift
      more = byte >= 128
    }
    const values = header % 2 === 1 ? 8 * Math.floor(header / 2) : Math.floor(header / 2)
    at += header % 2 === 1 ? (values / 8) * bits : Math.ceil(bits / 8)
    seen += values
    if (seen > most + filledUp) throw new Error(`a run of ${values} values is in a page of ${most}`)
  }
}
