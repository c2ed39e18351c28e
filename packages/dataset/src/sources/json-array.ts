import { parseJson } from '@outrider/transformer'
import { malformed } from '../formats/fields'
import { decodeText, type ReadableFile } from './lines'
import type { GivenRow } from './rows-in'

/** A list is parsed as a whole. */
const longestList = 256 * 2 ** 20

/**
 * The rows of a file that is one JSON list, as LLaMA-Factory and axolotl take them.
 *
 * @throws OutriderError FILE_FORMAT for what is no list, or one of more than 256 MiB
 */
export async function* jsonArrayRows(file: ReadableFile): AsyncGenerator<GivenRow> {
  const size = await file.size()
  if (size > longestList)
    throw malformed(
      file.name,
      `it is a JSON list of ${Math.round(size / 2 ** 20)} MiB, which is more than is read at once`,
      'Write its rows one a line, as JSONL: jq -c ".[]" rows.json > rows.jsonl.',
    )
  const list = parseJson(decodeText(await file.read(0, size), true, file.name), file.name)
  if (!Array.isArray(list)) throw malformed(file.name, 'it is no list of rows')
  for (const [i, value] of list.entries()) yield { where: `${file.name}, row ${i + 1}`, value: () => value }
}
