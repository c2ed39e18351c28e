import { OutriderError } from '@outrider/tensor'
import { type CausalLM, contentHash, type Directory, modelIdentity, type PretrainedModel } from '@outrider/transformer'
import type { DataSource } from '../formats/row'
import { useRow } from '../formats/use-row'
import { ownRows, type Share } from '../generate/own-rows'
import type { Example, Speaker } from '../tokenize/example'
import { exampleOf } from '../tokenize/tokenize'
import { modelTopTokens } from './model-top-tokens'
import { openTopTokenShards, shardName } from './open-shards'
import { type ShardHead, shardBytes } from './shard-file'
import { learnedPlaces, type RowTopTokens, type TopOfPlaces } from './top-tokens'

/** A target that says, from elsewhere, what it thinks of rows. */
export interface ScoringTarget {
  readonly kind: 'endpoint'
  /** The model's name there: shards are known by it. */
  readonly model: string
  /**
   * Of every learned token of rows the k likeliest in its place, in the order in which rows end.
   *
   * @throws OutriderError UNSUPPORTED, with what to set on the server, where it does not say them
   */
  topTokens<T extends Example>(
    rows: readonly T[],
    options: { k: number; concurrency: number; signal?: AbortSignal | undefined },
  ): AsyncGenerator<Scored<T>, void, undefined>
}

/** What is thought of a row, or why that is not said. */
export type Scored<T> = { request: T } & (
  | { answer: TopOfPlaces; failure?: undefined }
  | { answer?: undefined; failure: string }
)

/** Of several machines each scores its own rows (`rank`, `worldSize`), into a directory of its own; their shards are put into one. */
export interface ScoreDatasetOptions extends Share {
  /** Who thinks: a model here, or one behind an engine that says it of given tokens (`openAiTarget`): vLLM, `outrider serve`, SGLang, llama.cpp's servers, hosted completions. */
  target: PretrainedModel<CausalLM> | ScoringTarget
  /** Whose tokenizer and template write the rows. Default the target, where it is here. */
  speaker?: Speaker | undefined
  /** Conversations with their answers (`generateDataset`), or rows of tokens. */
  data: DataSource
  /** Tokens a place. */
  k: number
  /** The directory of the shards. What it has is not asked for again. */
  out: Directory
  /** Rows a shard, which is what a kill may cost. Default 256. */
  shardRows?: number | undefined
  /** Rows asked for at once, of an endpoint. Default 16. */
  concurrency?: number | undefined
  /** Rows that an endpoint may refuse before that ends the run. They are left out, and asked for again by the next. Default 0. */
  maxFailed?: number | undefined
  onProgress?: ((progress: { rows: number; total: number; tokens: number; seconds: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface ScoredDataset {
  /** Rows of the data (of this rank) that the directory has, and how many of them are new. */
  rows: number
  scored: number
  failed: number
  /** Learned tokens of the new ones. */
  tokens: number
  /** Bytes of the new shards. */
  bytes: number
}

/**
 * Writes what a target thinks of every learned token of a dataset: the k likeliest tokens in its place, their log-probabilities at
 * temperature 1, and what is left for the others. Shards of Parquet, named by the hash of what is in them, each written whole: a run that
 * was killed goes on, and shards of several machines are put into one folder. `openTopTokenShards` reads them.
 *
 * Log-probabilities are stored to 0.00025 (16 bits, steps of 1/2048); what is left is 1 less the sum of the k probabilities, which
 * is right to 10⁻⁶, and nothing below that.
 *
 * @throws OutriderError INVALID_ARGUMENT for rows that cannot be tokenised, or a directory that has shards of another target or k;
 *   UNSUPPORTED, NETWORK, VOCABULARY_MISMATCH of an endpoint; ABORTED
 */
export async function scoreDataset(options: ScoreDatasetOptions): Promise<ScoredDataset> {
  const { target, k, out, shardRows = 256, concurrency = 16, maxFailed = 0, signal, onProgress } = options
  const head = { k, target: await identityOf(target) }
  const there = await idsIn(out, head)
  const rows = await rowsOf(options)
  const missing = rows.filter(({ id }) => !there.has(id))
  const result = { rows: rows.length - missing.length, scored: 0, failed: 0, tokens: 0, bytes: 0 }
  const began = performance.now()
  const tell = () => {
    const seconds = (performance.now() - began) / 1000
    onProgress?.({ rows: result.rows + result.scored, total: rows.length, tokens: result.tokens, seconds })
  }
  tell()
  let pending: RowTopTokens[] = []
  const flush = async () => {
    if (pending.length === 0) return
    const bytes = await shardBytes(pending, head)
    await out.write(`targets-${await contentHash({ head, ids: pending.map(({ id }) => id) })}.parquet`, bytes)
    result.bytes += bytes.length
    pending = []
  }
  try {
    for await (const { request, answer, failure } of scores(target, missing, { k, concurrency, signal })) {
      if (!answer) {
        if (++result.failed > maxFailed) throw tooManyFailed(failure)
        continue
      }
      pending.push({ ...request, k, ...answer })
      result.scored++
      result.tokens += answer.logRest.length
      if (pending.length === shardRows) await flush()
      tell()
    }
  } catch (error) {
    await flush()
    const isStopped = error instanceof OutriderError ? error.code === 'ABORTED' : signal?.aborted
    if (!isStopped) throw error
    const done = result.rows + result.scored
    throw new OutriderError('ABORTED', `Scoring was stopped with ${done} of ${rows.length} rows written.`, {
      remedy: 'Run it again to go on from there.',
      cause: error,
    })
  }
  await flush()
  result.rows += result.scored
  return result
}

type Row = Example & Pick<RowTopTokens, 'id'>

/** The rows that are to be scored, each once. */
async function rowsOf({ target, speaker, data, rank, worldSize }: ScoreDatasetOptions): Promise<Row[]> {
  const isOwn = ownRows({ rank, worldSize })
  const written = speaker ?? ('kind' in target ? undefined : target)
  if (!written)
    throw new OutriderError('INVALID_ARGUMENT', 'Nobody is there to write the rows as tokens.', {
      remedy: "Give the target's tokenizer and template as speaker (--target).",
    })
  const rows = new Map<string, Row>()
  for await (const row of data) {
    const example = useRow(data, row, () => {
      if (row.kind !== 'text') return exampleOf(row, data.name, written)
      throw new OutriderError('INVALID_ARGUMENT', 'It is text, of which nothing was answered.', {
        remedy: 'Give conversations with their answers, or rows of tokens.',
      })
    })
    if (!example || learnedPlaces(example).length === 0) continue
    const { tokens, lossMask } = example
    const id = await contentHash({ tokens, lossMask })
    if (isOwn(id)) rows.set(id, { id, tokens, lossMask })
  }
  return [...rows.values()]
}

async function* scores(
  target: ScoreDatasetOptions['target'],
  rows: readonly Row[],
  options: { k: number; concurrency: number; signal?: AbortSignal | undefined },
): AsyncGenerator<Scored<Row>, void, undefined> {
  if ('kind' in target) {
    yield* target.topTokens(rows, options)
    return
  }
  for (const request of rows) {
    options.signal?.throwIfAborted()
    yield { request, answer: await modelTopTokens(target.model, request, options.k) }
  }
}

/** What the shards of a directory are of; nothing is there to begin with. */
async function idsIn(out: Directory, head: ShardHead): Promise<{ has(id: string): boolean }> {
  const files = await out.list().catch((): string[] => [])
  if (!files.some((file) => shardName.test(file))) return new Set()
  const shards = await openTopTokenShards(out)
  if (shards.head.k === head.k && shards.head.target === head.target) return shards
  const { k, target } = shards.head
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `${out.name} has shards of ${k} tokens of ${target}, and this is ${head.k} tokens of ${head.target}.`,
    {
      remedy: 'Write into another folder.',
    },
  )
}

async function identityOf(target: ScoreDatasetOptions['target']): Promise<string> {
  if ('kind' in target) return `${target.model} at an endpoint`
  const { weights, dtype, cache } = await modelIdentity(target)
  return `weights ${weights} in ${dtype}${cache ? `, with a cache of ${cache}` : ''}`
}

const tooManyFailed = (failure: string) =>
  new OutriderError('INVALID_ARGUMENT', `The endpoint does not say what it thinks of a row. ${failure}`, {
    remedy: 'Ask for what it answers, or let some rows be left out (maxFailed, --max-failed).',
  })
