import { type Drafter, promptLookup, type Target } from '@outrider/speculative'
import type { Session } from '../session'

/** What drafts now. Two are the same if `identity` is. */
export interface CurrentDrafter {
  name: string
  drafter: Target | Drafter
  identity: object
}

const lookup = promptLookup()

export function currentDrafter({ draft }: Session): CurrentDrafter {
  if (!draft) return { name: 'prompt lookup', drafter: lookup, identity: lookup }
  return { name: draft.name, drafter: draft.model, identity: draft.model }
}
