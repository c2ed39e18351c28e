import { isAbsent, type Json, malformed } from './fields'

/** What stands in a row beside what is read of it, and would count. */

/** What is asked about, under the names of data sets for reading and of choices. */
const askedAbout = ['passage', 'paragraph', 'document', 'article', 'background', 'choices', 'options'] as const

/**
 * Refuses what another format would ask besides, unless what is asked says it: columns that a prompt was made of stay beside it.
 * So does the text that was made of a prompt (Alpaca has it): it says what is asked, and more.
 *
 * @throws OutriderError FILE_FORMAT
 */
export function refuseUnasked(field: string, others: readonly string[], row: Json, where: string): void {
  for (const other of [...others, ...askedAbout]) {
    const said = row[other]
    if (other === field || isWithin(said, row[field])) continue
    if ((other === 'text' || other === 'prompt') && isWithin(row[field], said)) continue
    throw malformed(where, `${other} beside ${field} is not supported`, `Write it into the ${field}, or leave it out.`)
  }
}

/**
 * Refuses an answer, or a system prompt, beside plain text that does not say it: the text alone would be learned.
 *
 * @throws OutriderError FILE_FORMAT
 */
export function refuseBesideText(row: Json, where: string): void {
  for (const other of [
    'answer',
    'response',
    'completion',
    'output',
    'input',
    'context',
    'history',
    'system',
    'system_prompt',
  ])
    if (!isWithin(row[other], row.text))
      throw malformed(
        where,
        `${other} beside text is not supported: text alone would be learned`,
        `Rename text to prompt, if it asks; or take ${other} out, if text is all there is to learn.`,
      )
}

/**
 * Refuses what says of tokens which are learned where there are no tokens.
 *
 * @throws OutriderError FILE_FORMAT
 */
export function refuseMasks(field: string, row: Json, where: string): void {
  for (const mask of ['labels', 'loss_mask', 'completion_mask', 'assistant_masks', 'attention_mask']) {
    const values = row[mask]
    if (Array.isArray(values) && values.some((value) => typeof value === 'number' || typeof value === 'boolean'))
      throw malformed(
        where,
        `${mask} beside ${field} is not supported: it says what is learned of input_ids`,
        `Give input_ids, or take ${mask} out.`,
      )
  }
}

/** Whether a text, or all that a list or object holds, is said by what is asked; so is what is absent. */
function isWithin(said: unknown, asked: unknown): boolean {
  if (isAbsent(said) || said === '') return true
  if (typeof said === 'object') return Object.values(said!).every((part) => isWithin(part, asked))
  return typeof said === 'string' && JSON.stringify(asked ?? '').includes(JSON.stringify(said.trim()).slice(1, -1))
}
