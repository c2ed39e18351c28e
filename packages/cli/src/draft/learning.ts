import { join } from 'node:path'
import { AnswerTable } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'
import type { Context } from '../context'
import { claimFile, type Inputs } from '../outputs/index'
import { bytes, count } from '../terminal'
import { answersFile } from './answers-file'
import { draftSource } from './draft-source'
import type { OpenDraft } from './open-draft'

/** A table of answers that grows while a command runs. */
export interface Learning {
  answers: AnswerTable
  add(answer: readonly number[]): void
  /** Writes it beside the draft, if that is in a folder and something was learnt. */
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
  }: {
    learn?: boolean | undefined
    draft: OpenDraft | undefined
    target: Pick<PretrainedModel, 'tokenizer'>
    inputs: Inputs
  },
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
  if (!file && draftSource(draft.name).place !== undefined)
    terminal.noteParagraph(
      `What is learnt is forgotten at the end: ${draft.name} names no folder that it could be kept in. Give a folder to keep it in: --draft lookup+DIR, with a copy of the draft, or with a table alone (outrider table).`,
    )
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
