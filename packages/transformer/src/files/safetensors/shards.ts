import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { readJson } from '../json'

export const indexFile = 'model.safetensors.index.json'

/** `weight_map` of an index: by tensor, the shard that it is in. */
export async function readWeightMap(directory: Directory): Promise<Record<string, string>> {
  const index = (await readJson(directory, indexFile)) as { weight_map?: Record<string, unknown> } | null
  const map = index?.weight_map
  if (typeof map === 'object' && map !== null && Object.values(map).every((file) => typeof file === 'string'))
    return map as Record<string, string>
  throw new OutriderError('FILE_FORMAT', `${directory.name}/${indexFile} has no weight_map from tensor to file.`, {
    remedy: 'Copy or download it again.',
  })
}

/** A shard's name: what it is of, which it is, and of how many. */
const shardName = /^(.*?)-(\d{5,})-of-(\d{5,})\.safetensors$/

/**
 * The shards of a directory that has no index: their names say how many there are.
 *
 * @returns their names; undefined where none is there
 * @throws OutriderError FILE_MISSING where some are not there; FILE_FORMAT where they are of more than one model
 */
export function shardsAmong(directory: string, names: readonly string[]): string[] | undefined {
  const sets = new Map<string, { total: number; files: Map<number, string> }>()
  for (const name of names) {
    const [, of, number, total] = shardName.exec(name) ?? []
    if (of === undefined || /^(consolidated|adapter)/.test(of)) continue
    const key = `${of} ${total}`
    const set = sets.get(key) ?? { total: Number(total), files: new Map<number, string>() }
    set.files.set(Number(number), name)
    sets.set(key, set)
  }
  const [set, other] = sets.values()
  if (!set) return undefined
  if (other)
    throw new OutriderError(
      'FILE_FORMAT',
      `${directory} has no ${indexFile}, and shards of more than one model: ${[set, other].map(({ files }) => [...files.values()][0]).join(', ')}.`,
      { remedy: 'Copy the index too, or remove the shards that are not of the model.', details: { directory } },
    )
  const [example] = set.files.values()
  const nameOf = (number: number) =>
    example!.replace(
      shardName,
      (_, of, digits, total) => `${of}-${String(number).padStart(digits.length, '0')}-of-${total}.safetensors`,
    )
  // A number from a name is bounded by the files that are there.
  const missing: string[] = []
  for (let number = 1; number <= set.total && missing.length <= names.length; number++)
    if (!set.files.has(number)) missing.push(nameOf(number))
  if (missing.length > 0) throw shardsMissing(directory, missing, set.total)
  return [...set.files.values()].sort()
}

export function shardsMissing(directory: string, missing: readonly string[], total: number): OutriderError {
  const some = missing.slice(0, 3).join(', ')
  const what = missing.length === 1 ? `no file ${some}` : `not the files ${some}${missing.length > 3 ? ', …' : ''}`
  return new OutriderError('FILE_MISSING', `${directory} has ${what}, of ${total} shards of the weights.`, {
    remedy: 'The copy or download is incomplete: fetch what is missing.',
    details: { directory, missing },
  })
}
