import { createHash } from 'node:crypto'
import { type DraftedAnswers, draftedAnswers } from '@outrider/speculative'
import { modelIdentity, type PretrainedModel } from '@outrider/transformer'
import type { Context } from '../context'
import type { DtypeFlags, SpeculationFlags } from '../options/groups'
import { drafterOf, type OpenDraft, openDraftOf } from './open-draft'

interface DraftFlags extends SpeculationFlags, Pick<DtypeFlags, 'draftDtype'> {
  draft?: string
}

/** What `--draft` names, to answer many instructions with; undefined where none is given. */
export async function draftOfRows(
  context: Context,
  flags: DraftFlags,
  target: PretrainedModel,
): Promise<DraftedAnswers | undefined> {
  const opened = await openDraftOf(context, flags, target)
  if (!opened) return undefined
  const { draftLength, draftStop, verification } = flags
  const drafter = drafterOf(opened, { draftLength })
  return draftedAnswers({ drafter, identity: await identityOf(opened), draftLength, draftStop, verification })
}

/** What drafts depend on, wherever it lies. */
const identityOf = async ({ lookup, answers, model }: OpenDraft): Promise<object> => ({
  lookup,
  ...(answers && { answers: createHash('sha256').update(answers.toBytes()).digest('hex') }),
  ...(model && { model: await modelIdentity(model) }),
})
