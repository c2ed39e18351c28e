import { OutriderError } from '@outrider/tensor'
import type { AnswerTable } from './answer-table'
import type { Drafter } from './drafter'
import { lookupSession } from './lookup-session'

/**
 * Drafts what the target mostly said after the last tokens, by a table of its answers. It is certain of its tokens.
 *
 * Opening it throws OutriderError VOCABULARY_MISMATCH where the table has tokens that the target does not have.
 */
export function answerLookup(table: AnswerTable): Drafter {
  return {
    name: 'answer lookup',
    parameterCount: 0,
    open({ vocabularySize }) {
      if (table.largestId >= vocabularySize)
        throw new OutriderError(
          'VOCABULARY_MISMATCH',
          `The table of answers has token ${table.largestId}, and the target ${vocabularySize} tokens.`,
          { remedy: 'Make the table from answers of this target.' },
        )
      return lookupSession('answers', {
        find: (tokens, limit) => table.after(tokens, limit),
      })
    },
  }
}
