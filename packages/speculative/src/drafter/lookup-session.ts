import type { DraftRequest, DraftSession, KnownDraft, Offer } from './drafter'

/** What stands after the last tokens somewhere else. */
export interface Continuation {
  ids: readonly number[]
  /** As in an `Offer`. */
  kind: string
  /** As in an `Offer`, of each id. */
  acceptance: readonly number[]
}

/** A session whose drafts are known without a draw. */
export interface LookupSession extends DraftSession {
  offers: NonNullable<DraftSession['offers']>
  draft(request: Pick<DraftRequest, 'tokens' | 'draftLength' | 'offer'>): KnownDraft | null
}

/** The session of a drafter that looks up what it says. */
export function lookupSession(
  source: string,
  {
    find,
    keep = () => {},
  }: {
    /** What follows these tokens, up to `limit` ids; null where there is nothing. */
    find: (tokens: readonly number[], limit: number) => Continuation | null
    keep?: DraftSession['keep']
  },
): LookupSession {
  /** What was found for an offer, so that nothing is looked up twice. */
  const offered = new WeakMap<Offer, Continuation>()
  return {
    offers(tokens, limit) {
      const found = find(tokens, limit)
      if (!found) return []
      const { ids, kind, acceptance } = found
      const offer = { source, kind, length: ids.length, acceptance }
      offered.set(offer, found)
      return [offer]
    },
    draft({ tokens, draftLength, offer }) {
      const found = (offer && offered.get(offer)) ?? find(tokens, draftLength)
      return found && { ids: found.ids.slice(0, draftLength) }
    },
    keep,
    dispose() {},
  }
}
