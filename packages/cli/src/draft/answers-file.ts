import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AnswerTable, type Vocabulary } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { directory } from '@outrider/transformer'

/** A table of the target's answers, in the folder of the draft. */
export const answersFile = AnswerTable.usualFile

/** The most tokens that a table may keep. */
export const mostCapacity = 2 ** 24

/** Of a token in memory, and in the file. */
export const tokenBytes = { memory: 16, file: 4 }

/** No file of a table is larger: its header is a line. */
const mostBytes = tokenBytes.file * mostCapacity + 1024

/**
 * The table in a folder; undefined where there is none, or no such folder. One that was made larger than usual is read whole.
 *
 * @throws OutriderError FILE_FORMAT, VOCABULARY_MISMATCH
 */
export async function readAnswers(folder: string, vocabulary: Vocabulary): Promise<AnswerTable | undefined> {
  if (!(await isFolder(folder))) return undefined
  const files = directory(folder)
  if (!(await files.has(answersFile))) return undefined
  const where = `${folder}/${answersFile}`
  const size = await files.size(answersFile)
  if (size > mostBytes)
    throw new OutriderError(
      'FILE_FORMAT',
      `${where} has ${size} bytes, and no table of answers has more than ${mostBytes}.`,
      {
        remedy: 'Make it anew with `outrider table`.',
        details: { file: where },
      },
    )
  const capacity = Math.max(AnswerTable.usualCapacity, Math.ceil(size / tokenBytes.file))
  return AnswerTable.fromBytes(await files.read(answersFile), vocabulary, { where, capacity })
}

/**
 * What becomes of the table that a folder had before another model was written into it. It may have been learnt while somebody
 * chatted, and its answers are the target's, not the draft's: it stays where the new one has the same vocabulary. Where it could
 * only be refused it is removed.
 *
 * @returns undefined where there was none
 */
export async function answersLeftIn(
  folder: string,
  { tokenizer }: { tokenizer: Vocabulary },
): Promise<{ kept: boolean; text: string } | undefined> {
  const where = join(folder, answersFile)
  try {
    const table = await readAnswers(folder, tokenizer)
    if (!table) return undefined
    const text = `${where}, the table of answers that was there, stays: it is used with --draft lookup+${folder}.`
    return { kept: true, text }
  } catch (error) {
    if (!(error instanceof OutriderError)) throw error
    if (error.code !== 'VOCABULARY_MISMATCH') return { kept: true, text: error.message }
    await rm(where, { force: true })
    return { kept: false, text: `${where} is removed: the table of answers that was there is not of this vocabulary.` }
  }
}

export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
