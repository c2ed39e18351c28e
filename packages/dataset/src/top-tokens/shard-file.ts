import { OutriderError } from '@outrider/tensor'
import type { parquetWriteBuffer } from 'hyparquet-writer'
import { openParquet } from '../parquet/open-parquet'
import { readColumns } from '../parquet/read-columns'
import { type FilePlace, openFile } from '../sources/open-file'
import { fromSteps, stepsPerNat, toSteps } from './fixed-point'
import { learnedPlaces, noToken, type RowTopTokens } from './top-tokens'

/** What a shard says of itself. */
export interface ShardHead {
  k: number
  /** Who was asked, and how. Shards of other targets are no part of the same. */
  target: string
}

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number]

/** Rows that are read together: they come one by one, from anywhere. */
const rowGroupSize = 8
const headKey = 'outrider.top_tokens'
const version = 1

/**
 * Writes rows as a Parquet file that others read, too: columns `id`, `input_ids` and `loss_mask` (so that it is a data set by itself),
 * `top_ids` and `top_log_probabilities` (k of each learned token with one before it, in a line; −ln q in steps of 1/2048), and
 * `log_rest`, in the same steps.
 */
export async function shardBytes(rows: readonly RowTopTokens[], head: ShardHead): Promise<Uint8Array> {
  const { parquetWriteBuffer: write } = await import('hyparquet-writer')
  const numbers = (name: string, of: (row: RowTopTokens) => number[]) => ({
    name,
    data: rows.map(of),
    encoding: 'BYTE_STREAM_SPLIT' as const,
  })
  const buffer = write({
    columnData: [
      { name: 'id', data: rows.map(({ id }) => id) },
      numbers('input_ids', ({ tokens }) => tokens),
      numbers('loss_mask', ({ lossMask }) => lossMask),
      numbers('top_ids', ({ ids }) => Array.from(ids, (id) => (id === noToken ? -1 : id))),
      numbers('top_log_probabilities', ({ logProbabilities }) => Array.from(logProbabilities, toSteps)),
      numbers('log_rest', ({ logRest }) => Array.from(logRest, toSteps)),
    ],
    schema,
    rowGroupSize,
    statistics: false,
    kvMetadata: [{ key: headKey, value: JSON.stringify({ version, steps_per_nat: stepsPerNat, ...head }) }],
  })
  return new Uint8Array(buffer)
}

const listOf = (name: string, element: Pick<SchemaElement, 'type' | 'converted_type'>): SchemaElement[] => [
  { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { ...element, name: 'element', repetition_type: 'REQUIRED' },
]

const schema: SchemaElement[] = [
  { name: 'root', num_children: 6 },
  { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  ...listOf('input_ids', { type: 'INT32' }),
  ...listOf('loss_mask', { type: 'INT32' }),
  ...listOf('top_ids', { type: 'INT32' }),
  ...listOf('top_log_probabilities', { type: 'INT32', converted_type: 'UINT_16' }),
  ...listOf('log_rest', { type: 'INT32', converted_type: 'UINT_16' }),
]

/** A shard that is there. */
export interface Shard {
  readonly name: string
  readonly head: ShardHead
  readonly rows: number
  /** The rows without what the target thinks of them, in order. */
  examples(): AsyncGenerator<Pick<RowTopTokens, 'id' | 'tokens' | 'lossMask'>>
  /** Some rows, whole. */
  read(begin: number, end: number): Promise<RowTopTokens[]>
}

/**
 * Opens a shard.
 *
 * @throws OutriderError FILE_FORMAT for a file that is damaged, or none of ours
 */
export async function openShard(place: FilePlace): Promise<Shard> {
  const file = openFile(place)
  const opened = await openParquet(file)
  const said = opened.metadata.key_value_metadata?.find(({ key }) => key === headKey)?.value
  const head = said === undefined ? undefined : headIn(said)
  if (!head) throw noShard(file.name, 'it does not say what target and how many tokens it is of')
  return {
    name: file.name,
    head,
    rows: Number(opened.metadata.num_rows),
    async *examples() {
      for await (const row of readColumns(file, opened, ['id', 'input_ids', 'loss_mask']))
        yield exampleIn(row, file.name)
    },
    async read(begin, end) {
      const rows: RowTopTokens[] = []
      for await (const row of readColumns(file, opened, columns, { begin, end }))
        rows.push(rowIn(row, head.k, file.name))
      return rows
    },
  }
}

const columns = ['id', 'input_ids', 'loss_mask', 'top_ids', 'top_log_probabilities', 'log_rest']

function headIn(text: string): ShardHead | undefined {
  try {
    const { version: is, k, target, steps_per_nat: steps } = JSON.parse(text)
    const isOurs = is === version && steps === stepsPerNat && Number.isSafeInteger(k) && k > 0
    return isOurs && typeof target === 'string' ? { k, target } : undefined
  } catch {
    return undefined
  }
}

function exampleIn({ id, input_ids, loss_mask }: Record<string, unknown>, name: string) {
  const [tokens, lossMask] = [input_ids, loss_mask].map((values) => numbersIn(values, name))
  if (typeof id !== 'string' || tokens!.length !== lossMask!.length) throw noShard(name, 'its rows have no tokens')
  return { id, tokens: tokens!, lossMask: lossMask! }
}

function rowIn(row: Record<string, unknown>, k: number, name: string): RowTopTokens {
  const example = exampleIn(row, name)
  const [ids, steps, rest] = [row.top_ids, row.top_log_probabilities, row.log_rest].map((of) => numbersIn(of, name))
  const places = learnedPlaces(example).length
  if (ids!.length !== places * k || steps!.length !== places * k || rest!.length !== places)
    throw noShard(name, `row ${example.id} has ${ids!.length} tokens for ${places} places of ${k}`)
  return {
    ...example,
    k,
    ids: Uint32Array.from(ids!, (id) => (id < 0 ? noToken : id)),
    logProbabilities: Float32Array.from(steps!, fromSteps),
    logRest: Float32Array.from(rest!, fromSteps),
  }
}

function numbersIn(values: unknown, name: string): number[] {
  if (Array.isArray(values) || ArrayBuffer.isView(values)) {
    const numbers = Array.from(values as ArrayLike<number>)
    if (numbers.every(Number.isSafeInteger)) return numbers
  }
  throw noShard(name, 'a column has no whole numbers')
}

const noShard = (name: string, why: string) =>
  new OutriderError('FILE_FORMAT', `${name} is no shard of what a target thinks: ${why}.`, {
    remedy: 'Name the folder that outrider score (scoreDataset) wrote, or score the rows again.',
  })
