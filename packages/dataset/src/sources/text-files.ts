import { OutriderError } from '@outrider/tensor'
import type { Directory } from '@outrider/transformer'
import type { DataSource } from '../formats/row'
import { linesOf } from './lines'
import { type FilePlace, openFile, placeOf } from './open-file'

export interface TextFilesOptions {
  /** A line that ends a document. Default '<|endoftext|>'; without such lines a file is one document. */
  separator?: string
}

/**
 * Plain text files as documents, in the order of their names.
 *
 * @param pattern  a path (Node), or several, whose last part may have `*`: 'corpus/*.txt'; or files of a directory
 * @throws OutriderError, while reading: FILE_MISSING where nothing matches; FILE_FORMAT for bytes that are not UTF-8
 */
export function textFiles(
  pattern: string | readonly string[] | { directory: Directory; files: readonly string[] },
  { separator = '<|endoftext|>' }: TextFilesOptions = {},
): DataSource {
  const patterns = typeof pattern === 'string' ? [pattern] : pattern
  return {
    name: 'directory' in patterns ? patterns.directory.name : patterns.join(', '),
    async *[Symbol.asyncIterator]() {
      for (const file of await filesOf(patterns)) {
        let document: string[] = []
        for await (const { text } of linesOf(openFile(file))) {
          if (text !== separator) {
            document.push(text)
            continue
          }
          if (document.some((line) => line.trim())) yield { kind: 'text', text: document.join('\n').trim() }
          document = []
        }
        if (document.some((line) => line.trim())) yield { kind: 'text', text: document.join('\n').trim() }
      }
    },
  }
}

async function filesOf(patterns: readonly string[] | { directory: Directory; files: readonly string[] }) {
  if ('directory' in patterns) return patterns.files.map((file) => ({ directory: patterns.directory, file }))
  const found: FilePlace[] = []
  for (const pattern of patterns) {
    const { directory, file } = placeOf(pattern)
    if (!file.includes('*')) {
      found.push({ directory, file })
      continue
    }
    const matcher = new RegExp(`^${file.split('*').map(escapeRegExp).join('.*')}$`)
    const names = (await directory.list()).filter((name) => matcher.test(name))
    if (names.length === 0)
      throw new OutriderError('FILE_MISSING', `No file matches ${pattern}.`, {
        remedy: 'Check the pattern; only its last part may have *.',
      })
    found.push(...names.map((name) => ({ directory, file: name })))
  }
  return found
}

const escapeRegExp = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
