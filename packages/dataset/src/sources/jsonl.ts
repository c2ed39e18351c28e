import { parseJson } from '@outrider/transformer'
import { parseRow } from '../formats/parse-row'
import type { DataSource } from '../formats/row'
import { linesOf } from './lines'
import { type FilePlace, openFile } from './open-file'

/**
 * The rows of a JSONL file in any of the formats that `parseRow` knows. Read line by line each time; blank lines are passed
 * over.
 *
 * @param file  a path (Node), or a file of a directory
 * @throws OutriderError, while reading: FILE_MISSING; FILE_FORMAT with file and line number
 */
export function jsonl(file: string | FilePlace): DataSource {
  const opened = openFile(file)
  return {
    name: opened.name,
    async *[Symbol.asyncIterator]() {
      for await (const { text, number } of linesOf(opened)) {
        if (text.trim() === '') continue
        const where = `${opened.name}, line ${number}`
        yield parseRow(parseJson(text, where), where)
      }
    },
  }
}
