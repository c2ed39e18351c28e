import { parseJson } from '@outrider/transformer'
import { linesOf, type ReadableFile } from './lines'
import type { GivenRow } from './rows-in'

/** What the lines of a file say, one after another; blank lines are passed over. */
export async function* jsonLineRows(file: ReadableFile): AsyncGenerator<GivenRow> {
  for await (const line of linesOf(file)) {
    if (line.isBlank) continue
    const where = `${file.name}, line ${line.number}`
    yield { where, value: () => parseJson(line.text, where) }
  }
}
