import { OutriderError } from '@outrider/tensor'
import { contentHash, type Directory } from '@outrider/transformer'
import { openShard, type Shard, type ShardHead } from './shard-file'
import { learnedPlaces, type RowTopTokens } from './top-tokens'

/** What a target thinks of rows, in the shards of a directory: found by what a row says. */
export interface TopTokenShards {
  readonly head: ShardHead
  /** Rows, each once. */
  readonly rows: number
  /** A hash of the rows and the target. */
  readonly identity: string
  /** Paths of the shards within the directory. */
  readonly files: readonly string[]
  has(id: string): boolean
  /**
   * What is thought of a row, whole, of which these are the first tokens and the first that are learned. Undefined where no shard has it.
   *
   * @param tokens  [positions]
   * @param places  positions after which a token is learned, ascending
   */
  find(tokens: Uint32Array, places: readonly number[]): Promise<RowTopTokens | undefined>
}

interface Place {
  shard: Shard
  row: number
}

/** Whole shards that stay in memory: rows are asked for in any order, in every epoch. */
const keptBytes = 2 ** 28

/**
 * Opens the shards of a directory. Those of several machines are put into one: of rows that are in two, one counts.
 *
 * @throws OutriderError FILE_MISSING where there is none; FILE_FORMAT for one that is damaged; INVALID_ARGUMENT where they are of
 *   several targets, or of several numbers of tokens
 */
export async function openTopTokenShards(directory: Directory): Promise<TopTokenShards> {
  const files = (await directory.list()).filter((file) => shardName.test(file))
  const shards = await Promise.all(files.map((file) => openShard({ directory, file })))
  const [first] = shards
  if (!first)
    throw new OutriderError('FILE_MISSING', `${directory.name} has no shards of what a target thinks.`, {
      remedy: 'Name the folder that outrider score (scoreDataset) wrote.',
    })
  const { head } = first
  const other = shards.find((shard) => shard.head.target !== head.target || shard.head.k !== head.k)
  if (other)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${other.name} is of ${other.head.k} tokens of ${other.head.target}, and ${first.name} of ${head.k} tokens of ${head.target}.`,
      { remedy: 'Keep each in a folder of its own.' },
    )
  const ids = new Set<string>()
  const byPrompt = new Map<string, Place[]>()
  for (const shard of shards) {
    let row = 0
    for await (const { id, tokens, lossMask } of shard.examples()) {
      const place = { shard, row: row++ }
      if (ids.has(id)) continue
      ids.add(id)
      const key = promptKey(tokens, learnedPlaces({ lossMask })[0]! - 1)
      byPrompt.set(key, [...(byPrompt.get(key) ?? []), place])
    }
  }
  const kept = new Map<Place, RowTopTokens>()
  let bytes = 0
  const rowAt = async (place: Place): Promise<RowTopTokens> => {
    const there = kept.get(place)
    if (there) return there
    const [row] = await place.shard.read(place.row, place.row + 1)
    const size = 8 * row!.ids.length + 16 * row!.tokens.length
    if (bytes + size <= keptBytes) {
      bytes += size
      kept.set(place, row!)
    }
    return row!
  }
  return {
    head,
    rows: ids.size,
    identity: await contentHash({ ...head, ids: [...ids].sort() }),
    files,
    has: (id) => ids.has(id),
    async find(tokens, places) {
      for (const place of byPrompt.get(promptKey(tokens, places[0]!)) ?? []) {
        const row = await rowAt(place)
        if (beginsWith(row, tokens, places)) return row
      }
      return undefined
    },
  }
}

export const shardName = /^targets-[0-9a-f]+\.parquet$/

/** Whether these are the first tokens of a row, up to the last that is asked about, and the first that it learns. */
function beginsWith(row: RowTopTokens, tokens: Uint32Array, places: readonly number[]): boolean {
  const end = places.at(-1)! + 1
  const learned = learnedPlaces(row)
  return (
    row.tokens.length > end &&
    places.every((place, i) => learned[i] === place + 1) &&
    row.tokens.every((token, i) => i >= end || token === tokens[i])
  )
}

/** Two hashes of 32 bits (FNV-1a, Murmur's multiplier) of the tokens up to the first that is asked about: what few rows share. */
function promptKey(tokens: ArrayLike<number>, last: number): string {
  let [a, b] = [0x811c9dc5, last]
  for (let i = 0; i <= last; i++) {
    a = Math.imul(a ^ tokens[i]!, 0x01000193)
    b = Math.imul(b ^ tokens[i]!, 0x5bd1e995) ^ (b >>> 15)
  }
  return `${a},${b}`
}
