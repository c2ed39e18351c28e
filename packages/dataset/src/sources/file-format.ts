import { OutriderError } from '@outrider/tensor'
import type { ReadableFile } from './lines'

export type FileFormat = 'jsonl' | 'json array' | 'parquet'

/**
 * What a file of rows is, by its first bytes; its name says only what no byte can.
 *
 * @throws OutriderError FILE_FORMAT naming what the file is instead, and what would make rows of it
 */
export async function fileFormat(file: ReadableFile): Promise<FileFormat> {
  const bytes = await file.read(0, 512)
  const begin = String.fromCharCode(...bytes)
  if (begin.startsWith('PAR1')) return 'parquet'
  const instead = foreign.find(({ magic }) => begin.startsWith(magic))
  if (instead) throw refused(file.name, instead.what, instead.remedy)
  const text = begin.replace(/^\xef\xbb\xbf/, '').trimStart()
  if (text.startsWith('[')) return 'json array'
  if (/\.(csv|tsv)$/i.test(file.name) && !text.startsWith('{'))
    throw refused(file.name, 'a table (CSV)', 'Write it as JSONL or Parquet: pandas.read_csv(file).to_parquet(…).')
  return 'jsonl'
}

/** Whether a file of text holds rows in place of text: Parquet by its bytes, JSONL by its name. */
export async function holdsRows(file: ReadableFile): Promise<boolean> {
  if (/\.(jsonl|ndjson|json|parquet)$/i.test(file.name)) return true
  const bytes = await file.read(0, 4)
  return String.fromCharCode(...bytes) === 'PAR1'
}

const asParquet = 'Write it as Parquet: datasets.load_from_disk(folder).to_parquet(…).'

const foreign: readonly { magic: string; what: string; remedy: string }[] = [
  { magic: '\x1f\x8b', what: 'compressed (gzip)', remedy: 'Decompress it first: gunzip.' },
  { magic: '\x28\xb5\x2f\xfd', what: 'compressed (Zstandard)', remedy: 'Decompress it first: zstd -d.' },
  { magic: 'BZh', what: 'compressed (bzip2)', remedy: 'Decompress it first: bunzip2.' },
  { magic: '\xfd7zXZ', what: 'compressed (xz)', remedy: 'Decompress it first: xz -d.' },
  { magic: 'PK\x03\x04', what: 'a ZIP archive', remedy: 'Decompress it first: unzip.' },
  { magic: 'ARROW1', what: 'an Arrow file', remedy: asParquet },
  { magic: '\xff\xff\xff\xff', what: 'an Arrow stream, as save_to_disk of datasets writes it', remedy: asParquet },
  { magic: 'PARE', what: 'encrypted Parquet', remedy: 'Write it without encryption.' },
  { magic: 'ORC', what: 'an ORC file', remedy: 'Write it as Parquet.' },
  { magic: 'Obj\x01', what: 'an Avro file', remedy: 'Write it as Parquet or JSONL.' },
  { magic: 'SQLite format 3', what: 'an SQLite database', remedy: 'Write its rows as Parquet or JSONL.' },
  { magic: '\xff\xfe', what: 'UTF-16 text', remedy: 'Convert it to UTF-8: iconv -f UTF-16 -t UTF-8.' },
  { magic: '\xfe\xff', what: 'UTF-16 text', remedy: 'Convert it to UTF-8: iconv -f UTF-16 -t UTF-8.' },
]

const refused = (name: string, what: string, remedy: string) =>
  new OutriderError('FILE_FORMAT', `${name} is ${what}, not rows as JSONL or Parquet.`, {
    remedy,
    details: { file: name },
  })
