import { basename } from 'node:path'

/** Drafts as the commands take them: NAME=FOLDER, or a folder, which then is the name, too. */
export function namedDrafts(given: readonly string[]): Map<string, string> {
  const drafts = new Map<string, string>()
  for (const text of given) {
    const [, name, folder] = /^([^/\\=]+)=(.+)$/.exec(text) ?? [text, basename(text), text]
    if (drafts.has(name!))
      throw new Error(`Two drafts are named ${name}: give them names of their own, --draft NAME=FOLDER.`)
    drafts.set(name!, folder!)
  }
  return drafts
}
