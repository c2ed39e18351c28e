import type { LoadDraft } from '@outrider/server'
import type { CacheDtype, LoadDtype, PretrainedModel } from '@outrider/transformer'
import type { Context } from '../context'
import { draftSource } from './draft-source'
import type { DraftsBelow } from './drafts-below'
import type { Learning } from './learning'
import { drafterOf, openDraft } from './open-draft'

export interface DraftLoaderOptions {
  drafts: DraftsBelow
  target: PretrainedModel
  /** What is learnt while the server runs: looked up by any draft that looks up. */
  learning: Learning | undefined
  flags: { draftLength: number | 'auto'; draftDtype?: LoadDtype; cacheDtype?: CacheDtype }
}

/** Loads drafts of a folder for a server that runs: what `--draft` names, with paths from the folder on. */
export function draftLoader(context: Context, { drafts, target, learning, flags }: DraftLoaderOptions): LoadDraft {
  return async (name, { signal }) => {
    const { lookup, place } = draftSource(name)
    const found = place === undefined ? undefined : await drafts.place(place)
    const source = found === undefined ? name : lookup ? `lookup+${found}` : found
    const { draftDtype: dtype, cacheDtype } = flags
    const draft = await openDraft(context, source, { target, dtype, cacheDtype, signal })
    return {
      drafter: drafterOf({ ...draft, answers: learning?.answers ?? draft.answers }, flags),
      // What others were answered meanwhile must not matter where the same answer is expected again.
      reproducibleDrafter: learning && drafterOf({ ...draft, answers: undefined }, flags),
      dispose: () => draft.model?.dispose(),
    }
  }
}
