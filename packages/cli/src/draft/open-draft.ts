import {
  type AnswerTable,
  answerLookup,
  type Drafter,
  firstOf,
  modelDrafter,
  promptLookup,
} from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import {
  type CacheDtype,
  compareVocabularies,
  directory,
  type LoadDtype,
  type PretrainedModel,
} from '@outrider/transformer'
import type { Context } from '../context'
import { openModel } from '../models'
import { count } from '../terminal'
import { answersFile, isFolder, readAnswers } from './answers-file'
import { draftSource, folderOfThatName } from './draft-source'

/** What `--draft` names, opened. */
export interface OpenDraft {
  /** As it was named. */
  name: string
  /** Whether what was said before is looked up first. */
  lookup: boolean
  /** What the target answered elsewhere; looked up after the conversation, before a model drafts. */
  answers: AnswerTable | undefined
  model: PretrainedModel | undefined
  /** Where the table is, or would be. */
  folder: string | undefined
}

/** What a command's `--draft` names, opened; undefined where none is given. */
export const openDraftOf = async (
  context: Context,
  { draft, draftDtype, cacheDtype }: { draft?: string; draftDtype?: LoadDtype; cacheDtype?: CacheDtype },
  target: PretrainedModel,
): Promise<OpenDraft | undefined> =>
  draft === undefined ? undefined : openDraft(context, draft, { target, dtype: draftDtype, cacheDtype })

/**
 * Opens what `--draft` names.
 *
 * @param options.target  whose vocabulary it must have
 * @param options.signal  breaks off the loading; default the command's
 * @throws OutriderError VOCABULARY_MISMATCH; FILE_MISSING where a folder has neither a draft nor a table; what loading throws
 */
export async function openDraft(
  context: Context,
  given: string,
  {
    target,
    dtype,
    cacheDtype,
    signal,
  }: {
    target: PretrainedModel
    dtype: LoadDtype | undefined
    cacheDtype: CacheDtype | undefined
    signal?: AbortSignal | undefined
  },
): Promise<OpenDraft> {
  const { lookup, place } = draftSource(given)
  const unused = await folderOfThatName(given)
  if (unused !== undefined) context.terminal.warn(context.terminal.noteStyle.yellow(unused))
  const draft: OpenDraft = { name: given, lookup, answers: undefined, model: undefined, folder: undefined }
  if (place === undefined) {
    told(context, 'Draft: what was said before is looked up')
    return draft
  }
  if (lookup && (await isFolder(place))) {
    draft.folder = place
    draft.answers = await readAnswers(place, target.tokenizer)
  }
  if (!draft.folder || (await directory(place).has('config.json'))) {
    draft.model = await openModel(context, place, 'draft', { dtype, cacheDtype, signal })
    try {
      compareVocabularies(target, draft.model)
    } catch (error) {
      draft.model.dispose()
      throw error
    }
  } else if (!draft.answers)
    throw new OutriderError(
      'FILE_MISSING',
      `${place} has neither a draft (config.json) nor a table of answers (${answersFile}).`,
      {
        remedy: `Give the folder of a draft, or make a table there: outrider table --model … --data … --out ${place}`,
        details: { file: place },
      },
    )
  if (lookup) told(context, firstLooked(draft))
  return draft
}

const told = ({ terminal }: Context, text: string) => terminal.noteParagraph(text, '  ')

function firstLooked({ answers, model }: OpenDraft): string {
  const table = answers ? `, and ${count(answers.size)} tokens of answers` : ''
  return `${model ? 'Before it drafts, what' : 'Draft: what'} was said before is looked up${table}`
}

/** Whether anything of it drafts: with `lookup` all of it, and else the model alone. */
type Parts = Pick<OpenDraft, 'lookup' | 'model'> & { answers?: AnswerTable | undefined }

/**
 * What drafts: first what was said before, then what the target answered elsewhere, then the model.
 *
 * @param draftLength  a fixed γ takes whatever is found first, so before something better one equal token is not enough
 */
export function drafterOf(
  { lookup, answers, model }: Parts,
  { draftLength }: { draftLength: number | 'auto' },
): PretrainedModel | Drafter {
  if (!lookup) return model!
  const behind = [
    ...(answers ? [answerLookup(answers)] : []),
    ...(model ? [modelDrafter(model.model, { name: model.source })] : []),
  ]
  const conversation = promptLookup({ minNgram: behind.length > 0 && draftLength !== 'auto' ? 2 : 1 })
  return behind.length > 0 ? firstOf(conversation, ...behind) : conversation
}
