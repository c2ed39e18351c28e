import { OutriderError } from '@outrider/tensor'
import { linesOf, type ReadableFile, wholeLinesEnd } from '../sources/lines'
import { type FilePlace, openFile, placeOf } from '../sources/open-file'

/** A JSONL file that grows by whole rows. */
export interface RowFile {
  /** Ids of the rows that are there. */
  readonly ids: ReadonlySet<string>
  /** How many rows are there. */
  readonly rows: number
  /** Appends rows; when it returns, they are kept. */
  append(rows: readonly { id: string }[]): Promise<void>
}

/**
 * Opens a JSONL file to go on with: the ids of its rows are read, and a last line that a kill left unfinished is cut off.
 *
 * @param onRow  is told of every row that is there
 * @throws OutriderError FILE_FORMAT for a row without an id: then it is not a file of ours; FILE_WRITE
 */
export async function openRowFile(out: string | FilePlace, onRow?: (row: { id: string }) => void): Promise<RowFile> {
  const { directory, file } = placeOf(out)
  const { ids, whole, ...read } = await readIds(out, onRow)
  let { rows: count } = read
  // Where it cannot be written, that is said before anything is generated.
  await directory.append(file, '', whole)
  return {
    ids,
    get rows() {
      return count
    },
    async append(rows) {
      await directory.append(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      for (const { id } of rows) ids.add(id)
      count += rows.length
    },
  }
}

/**
 * How many rows a file already has that `generateDataset` is to go on with: for a program that would know before it loads the
 * target. Nothing is written.
 *
 * @param out  the file, which need not be there
 * @throws OutriderError FILE_FORMAT where it is not a file that `generateDataset` wrote
 */
export async function generatedRows(out: string | FilePlace): Promise<number> {
  return (await readIds(out)).rows
}

/**
 * The ids of the rows that a file has, which need not be there. Nothing is written.
 *
 * @throws OutriderError FILE_FORMAT
 */
export const rowIds = async (out: string | FilePlace): Promise<ReadonlySet<string>> => (await readIds(out)).ids

/** The ids of a file's rows, how many there are, and where its last whole line ends. */
async function readIds(
  out: string | FilePlace,
  onRow: (row: { id: string }) => void = () => {},
): Promise<{ ids: Set<string>; rows: number; whole: number }> {
  const { directory, file } = placeOf(out)
  const opened = openFile(out)
  const ids = new Set<string>()
  if (!(await directory.has(file))) return { ids, rows: 0, whole: 0 }
  const whole = await wholeLinesEnd(opened)
  await assertTorn(opened, whole)
  let rows = 0
  for await (const { text, number } of linesOf({ ...opened, size: async () => whole })) {
    const row = rowIn(text, `${opened.name}, line ${number}`)
    ids.add(row.id)
    onRow(row)
    rows++
  }
  return { ids, rows, whole }
}

/**
 * Makes sure that what follows the last whole line is the beginning of a row, as a kill leaves it: what is not would be
 * somebody else's text, and is not ours to cut off.
 */
async function assertTorn(file: ReadableFile, whole: number): Promise<void> {
  const size = await file.size()
  const tail = new TextDecoder().decode(await file.read(whole, size))
  const where = `The end of ${file.name}`
  if (!rowBegin.startsWith(tail.slice(0, rowBegin.length))) throw notOurs(where, 'is not the beginning of a row')
  try {
    JSON.parse(tail)
  } catch {
    return // torn
  }
  rowIn(tail, where)
}

/** How every row begins. */
const rowBegin = '{"'

function rowIn(line: string, where: string): { id: string } {
  let row: { id?: unknown }
  try {
    row = (JSON.parse(line) ?? {}) as { id?: unknown }
  } catch (cause) {
    throw notOurs(where, 'is not valid JSON', cause)
  }
  if (typeof row.id !== 'string') throw notOurs(where, 'has no id')
  return row as { id: string }
}

const notOurs = (where: string, what: string, cause?: unknown) =>
  new OutriderError(
    'FILE_FORMAT',
    `${where} ${what}, so the file was not written by generateDataset and is left as it is.`,
    {
      remedy: 'Write to another file, or remove this one.',
      cause,
    },
  )
