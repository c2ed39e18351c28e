import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { type Directory, hubDirectory, hubEnvironment, parseHubId } from '@outrider/transformer'
import { adviceForMissing } from '../../missing-path'

/** A model on this machine that may be a draft. */
export interface Candidate {
  /** What `--draft` would be given. */
  name: string
  /** Where it is read from. */
  place: string | Directory
  /** A GGUF file in that directory. */
  file?: string
}

export interface Found {
  candidates: Candidate[]
  /** The places that were looked through. */
  places: string[]
}

/** How deep, and into how many folders, a directory is looked through. */
const limits = { depth: 4, folders: 2000 }

/**
 * The models in the Hub's cache, in the order of their names, and in the directories given: Hugging Face directories and .gguf
 * files, at any depth. Nothing is asked of the network.
 *
 * @throws OutriderError FILE_MISSING for a directory that is not there
 */
export async function findCandidates(directories: readonly string[]): Promise<Found> {
  const { cacheDirectory } = hubEnvironment()
  const places = [cacheDirectory, ...directories]
  const candidates = await ofCache(cacheDirectory)
  for (const path of directories) {
    const found = await stat(path).catch(() => undefined)
    if (!found)
      throw new OutriderError('FILE_MISSING', `There is no ${path} (--find-draft).`, {
        remedy: (await adviceForMissing(path)) ?? 'Check the path.',
        details: { file: path },
      })
    if (found.isFile()) candidates.push({ name: path, place: path })
    else candidates.push(...(await below(path)))
  }
  return { candidates: await eachOnce(candidates), places }
}

/** The models of a cache with the layout of Hugging Face's tools. */
async function ofCache(cacheDirectory: string): Promise<Candidate[]> {
  const names = await readdir(cacheDirectory).catch((): string[] => [])
  const found = await Promise.all(
    names
      .filter((name) => name.startsWith('models--'))
      .sort()
      .map(ofStore),
  )
  return found.flat()

  async function ofStore(folder: string): Promise<Candidate[]> {
    const name = folder.slice('models--'.length).replace('--', '/')
    const commits = await readdir(join(cacheDirectory, folder, 'snapshots')).catch((): string[] => [])
    if (commits.length === 0) return [] // a download that never began
    const main = await readFile(join(cacheDirectory, folder, 'refs', 'main'), 'utf8').catch(() => undefined)
    const id = main !== undefined && commits.includes(main.trim()) ? name : `${name}@${commits[0]}`
    // Names without an organisation are of the Hub's first years: they are given as folders.
    if (!parseHubId(id)) return below(join(cacheDirectory, folder, 'snapshots', commits[0]!))
    const place = await hubDirectory(id, { offline: true, cacheDirectory })
    const files = await place.list()
    const ggufs = files.filter(isFirstGguf).map((file) => ({ name: `${id}/${file}`, place, file }))
    return files.includes('config.json') || ggufs.length === 0 ? [{ name: id, place }, ...ggufs] : ggufs
  }
}

/** The models in a folder and in those below it. */
async function below(top: string): Promise<Candidate[]> {
  const found: Candidate[] = []
  let left = limits.folders
  await visit(top, limits.depth)
  return found

  async function visit(folder: string, depth: number): Promise<void> {
    if (left-- <= 0) return
    const names = await readdir(folder).catch((): string[] => [])
    if (names.some((name) => name.startsWith('models--'))) {
      found.push(...(await ofCache(folder)))
      return
    }
    if (names.includes('config.json')) found.push({ name: folder, place: folder })
    for (const name of names.filter(isFirstGguf).sort())
      found.push({ name: join(folder, name), place: join(folder, name) })
    if (depth === 0) return
    for (const name of names.sort()) {
      if (name.startsWith('.') || name === 'node_modules') continue
      const path = join(folder, name)
      if ((await stat(path).catch(() => undefined))?.isDirectory()) await visit(path, depth - 1)
    }
  }
}

/** The first part stands for all of a file in parts. */
const isFirstGguf = (name: string): boolean => /\.gguf$/i.test(name) && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(name)

/** A model that is in two of the places is listed where it was met first. */
async function eachOnce(candidates: readonly Candidate[]): Promise<Candidate[]> {
  const known = new Set<string>()
  const once: Candidate[] = []
  for (const candidate of candidates) {
    const path = await realPlace(candidate)
    if (known.has(path)) continue
    known.add(path)
    once.push(candidate)
  }
  return once
}

/** What two names of the same model have in common. */
export async function realPlace({ name, place }: Candidate): Promise<string> {
  if (typeof place !== 'string') return name
  return realpath(place).catch(() => place)
}
