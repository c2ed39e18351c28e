import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'

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

/** What of a folder is opened as its draft: a Hugging Face directory, or the file draft.gguf in it. */
export function draftIn(folder: string): string {
  if (folder.endsWith('.gguf') || existsSync(join(folder, 'config.json'))) return folder
  const file = join(folder, 'draft.gguf')
  if (existsSync(file)) return file
  throw new Error(`There is no draft in ${folder}: neither config.json nor draft.gguf.`)
}
