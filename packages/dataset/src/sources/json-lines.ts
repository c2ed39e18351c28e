import { OutriderError } from '@outrider/tensor'
import { parseJson } from '@outrider/transformer'
import { linesOf, type ReadableFile } from './lines'
import type { GivenRow } from './rows-in'

/** What the lines of a file say, one after another; blank lines are passed over. */
export async function* jsonLineRows(file: ReadableFile): AsyncGenerator<GivenRow> {
  for await (const line of linesOf(file)) {
    if (line.isBlank) continue
    const where = `${file.name}, line ${line.number}`
    yield { where, value: () => parsed(line.text, where) }
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return parseJson(text, where)
  } catch (error) {
    const fault = faults.find(({ isIt }) => isIt.test(text))
    if (!fault || !(error instanceof OutriderError)) throw error
    const { code, cause, details } = error
    throw new OutriderError(code, `${where} is not valid JSON: ${fault.what}.`, {
      remedy: fault.remedy,
      cause,
      details,
    })
  }
}

/** What writes lines that are nearly rows. */
const faults = [
  {
    isIt: /^\s*\{\s*("[^"]*"\s*:\s*[[{]?\s*)?$/,
    what: 'it begins an object that goes on in the next line, and a row is one line',
    remedy: 'Write each row on one line: jq -c . file > rows.jsonl.',
  },
  {
    isIt: /^\s*\{\s*'/,
    what: 'it is written as Python prints a dict, in \' in place of "',
    remedy: 'Write it with json.dumps(row).',
  },
  {
    isIt: /\}\s*,\s*$/,
    what: 'there is a comma behind it',
    remedy: 'Rows are one a line with nothing between them; in a list, [ and ] stand around them all.',
  },
  {
    isIt: /\}\s*\{/,
    what: 'it may be several rows on one line',
    remedy: 'Write each on a line of its own: jq -c . file > rows.jsonl.',
  },
]
