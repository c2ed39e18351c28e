import { type Drafter, firstOf, modelDrafter, promptLookup, type Target } from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import type { Session } from '../session'
import type { ChatSettings } from './settings'

/** What drafts now. Two are the same if `identity` is. */
export interface CurrentDrafter {
  name: string
  drafter: Target | Drafter
  identity: object
}

const lookup = promptLookup()

/** Lookups before a model, one for each. */
const looking = new WeakMap<PretrainedModel, Drafter>()

export function currentDrafter({ draft }: Session, { lookUpFirst }: Pick<ChatSettings, 'lookUpFirst'>): CurrentDrafter {
  if (!draft) return { name: 'prompt lookup', drafter: lookup, identity: lookup }
  if (!lookUpFirst) return { name: draft.name, drafter: draft.model, identity: draft.model }
  // With a number for γ what is found is taken, so one equal token is not enough.
  const drafter = looking.get(draft.model) ?? firstOf(promptLookup({ minNgram: 2 }), modelDrafter(draft.model.model))
  looking.set(draft.model, drafter)
  return { name: `prompt lookup, else ${draft.name}`, drafter, identity: drafter }
}
