import { type Directory, fileMissing } from './directory'

/** How a file is named until all of them are written, for the directory's own temporary files. */
const stagedName = (file: string) => `.${file}.0-0.tmp`
const isStaged = (name: string) => /^\..+\.0-0\.tmp$/.test(name)

/**
 * Writes files that belong together, in place of an earlier set: none of those is changed before all new ones are complete.
 * Then the one without which the set counts as none, `last`, goes first and comes last, so that whenever it is cut short there
 * is the old set, the new one, or none; and of the old one nothing is left beside the new.
 *
 * In a directory without such a set, or that cannot move files, they are written where they belong at once.
 *
 * @param isOfSet  whether a file of this name belongs to the set
 * @param write    writes all files into the directory that it is given; `last` may come at any time
 * @throws OutriderError FILE_WRITE; what `write` throws, and then the old set is as it was
 */
export async function replacedTogether(
  directory: Directory,
  { last, isOfSet }: { last: string; isOfSet: (file: string) => boolean },
  write: (into: Directory) => Promise<void>,
): Promise<void> {
  const before = await directory.list().catch((): string[] => [])
  for (const name of before.filter(isStaged)) await directory.remove(name)
  const { move } = directory
  const moves = move !== undefined && before.includes(last)
  const written = new Set<string>()
  if (!moves && before.includes(last)) await directory.remove(last)
  const staged = collecting(directory, written, moves ? stagedName : (file) => file)
  try {
    await write(staged)
  } catch (error) {
    if (moves) for (const file of written) await directory.remove(stagedName(file)).catch(() => undefined)
    throw error
  }
  if (moves) {
    await directory.remove(last)
    for (const file of [...written].filter((name) => name !== last)) await move(stagedName(file), file)
  }
  for (const file of before) if (isOfSet(file) && file !== last && !written.has(file)) await directory.remove(file)
  if (moves) await move(stagedName(last), last)
}

/** A directory that has what was written into it, under other names in the one below. */
function collecting(directory: Directory, written: Set<string>, nameOf: (file: string) => string): Directory {
  const at = (file: string) => {
    if (!written.has(file)) throw fileMissing(directory.name, file)
    return nameOf(file)
  }
  return {
    name: directory.name,
    list: async () => [...written].sort(),
    has: async (file) => written.has(file),
    size: async (file) => directory.size(at(file)),
    read: async (file, range) => directory.read(at(file), range),
    readText: async (file) => directory.readText(at(file)),
    async write(file, content) {
      await directory.write(nameOf(file), content)
      written.add(file)
    },
    async append(file, content, from) {
      await directory.append(nameOf(file), content, from)
      written.add(file)
    },
    async remove(file) {
      if (written.delete(file)) await directory.remove(nameOf(file))
    },
  }
}
