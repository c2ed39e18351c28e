import { join } from 'node:path'
import { AnswerTable } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'
import type { Context } from '../context'
import { claimFile, type Inputs } from '../outputs/index'
import { bytes, count } from '../terminal'
import { answersFile } from './answers-file'
import type { OpenDraft } from './open-draft'

/** A table of answers that grows while a command runs. */
export interface Learning {
  answers: AnswerTable
  add(answer: readonly number[]): void
  /** Writes it beside the draft, if there is a folder and something was learnt. */
  save(): Promise<void>
}

/**
 * What `--learn` asks for; undefined where it is not given. Of a table that is saved, no other process writes it meanwhile.
 *
 * @throws OutriderError INVALID_ARGUMENT where nothing is looked up; LOCKED, FILE_WRITE
 */
export async function learningOf(
  context: Context,
  {
    learn = false,
    draft,
    target,
    inputs,
  }: { learn?: boolean | undefined; draft: OpenDraft | undefined; target: PretrainedModel; inputs: Inputs },
): Promise<Learning | undefined> {
  if (!learn) return undefined
  if (!draft?.lookup)
    throw new OutriderError('INVALID_ARGUMENT', '--learn adds to what is looked up, and nothing is.', {
      remedy:
        'Give --draft lookup+DIR, which keeps what is learnt in DIR, or --draft lookup, which forgets it at the end.',
    })
  const { terminal } = context
  const answers = draft.answers ?? new AnswerTable(target.tokenizer)
  const file =
    draft.folder && (await claimFile(context, join(draft.folder, answersFile), { inputs, needsFolder: true }))
  let learnt = 0
  return {
    answers,
    add(answer) {
      answers.add(answer)
      learnt += answer.length
    },
    async save() {
      if (!file || learnt === 0) return
      const content = answers.toBytes()
      await file.directory.write(file.file, content)
      terminal.note(
        terminal.noteStyle.dim(
          `Learnt ${count(learnt)} tokens: ${join(draft.folder!, answersFile)} has ${count(answers.size)}, ${bytes(content.length)}`,
        ),
      )
    },
  }
}
