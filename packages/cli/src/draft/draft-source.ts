import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { Option } from 'commander'
import { exists } from '../missing-path'
import { checkModelSource } from '../model-source'

/** What `--draft` names: `lookup`, `lookup+DIR`, or the draft alone. */
export interface DraftSource {
  /** Whether what was said before is looked up first. */
  lookup: boolean
  /** A model, a table of answers, or both; undefined for `lookup` alone. */
  place: string | undefined
}

const word = 'lookup'

export function draftSource(given: string): DraftSource {
  if (given === word) return { lookup: true, place: undefined }
  if (given.startsWith(`${word}+`)) return { lookup: true, place: given.slice(word.length + 1) }
  return { lookup: false, place: given }
}

/** For a reader: `lookup+tiny` of `lookup+./drafts/tiny`. */
export function draftName(given: string): string {
  const { lookup, place } = draftSource(given)
  return [...(lookup ? [word] : []), ...(place === undefined ? [] : [basename(place)])].join('+')
}

/** `--draft` of a command that uses drafts as they are: it may look up, too. */
export class DraftOption extends Option {
  constructor(model = 'a draft of the same vocabulary') {
    super(
      '--draft <dir>',
      `${model}; lookup, which needs none and drafts how the text went on when the same words were there before; or lookup+DIR: look up, then ask the table of answers that DIR has (outrider table), then its draft`,
    )
  }
}

/**
 * Before anything is opened: what is looked up is written as it should be, and a model that is named is there.
 *
 * @throws OutriderError INVALID_ARGUMENT, FILE_MISSING
 */
export async function checkDraftSource(given: string): Promise<void> {
  const { lookup, place } = draftSource(given)
  if (place === undefined) return
  if (lookup && (place === '' || place === word || place.startsWith(`${word}+`)))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      place === '' ? `--draft ${given} names nothing after the +.` : `--draft ${given} looks up twice.`,
      { remedy: 'Write --draft lookup+DIR, or --draft lookup without a draft.' },
    )
  const meant = lookup ? undefined : await lookupMeantBy(given)
  if (meant !== undefined)
    throw new OutriderError('FILE_MISSING', `There is no model directory ${given}.`, {
      remedy: `Did you mean --draft ${meant}?`,
    })
  await checkModelSource('--draft', place)
}

/** Other ways of saying it, where there is nothing of that name. */
async function lookupMeantBy(given: string): Promise<string | undefined> {
  if (await exists(given)) return undefined
  const place = /^(.+)\+lookup$/.exec(given)?.[1] ?? /^lookup *[:,&] *(.+)$/i.exec(given)?.[1]
  if (place !== undefined) return `lookup+${place}`
  return /^\[?(prompt[-_ ]?)?(look[-_ ]?up|n-?gram)s?([-_ ]decoding)?\]?$/i.test(given) ? word : undefined
}

/** What is said where a folder has the name of what is not one. */
export async function folderOfThatName(given: string): Promise<string | undefined> {
  const { lookup, place } = draftSource(given)
  if (!lookup || place !== undefined) return undefined
  const found = await stat(word).catch(() => undefined)
  return found?.isDirectory()
    ? 'What was said before is looked up. The folder called lookup is not used: that would be --draft ./lookup'
    : undefined
}
