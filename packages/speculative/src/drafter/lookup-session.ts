import type { DraftSession } from './drafter'

/** What stands after the last tokens somewhere else. */
export interface Continuation {
  ids: readonly number[]
  /** How many of the last tokens are the same there. */
  match: number
}

/**
 * The session of a drafter that looks up what it says: its drafts cost nothing, and are accepted the more often the longer the
 * match is, so acceptance is counted by classes of it.
 */
export function lookupSession(
  source: string,
  {
    find,
    acceptance,
    keep = () => {},
  }: {
    /** What follows these tokens, up to `limit` ids; null where there is nothing. */
    find: (tokens: readonly number[], limit: number) => Continuation | null
    /** What is expected of a match of so many tokens before anything is counted. */
    acceptance: (match: number) => number
    keep?: DraftSession['keep']
  },
): DraftSession {
  return {
    offers(tokens, limit) {
      const found = find(tokens, limit)
      if (!found) return []
      const { ids, match } = found
      return [{ source, kind: matchClass(match), length: ids.length, acceptance: acceptance(match) }]
    },
    draft({ tokens, draftLength }) {
      const found = find(tokens, draftLength)
      return found && { ids: found.ids }
    },
    keep,
    dispose() {},
  }
}

/** 1, 2, 3, 4 to 5, 6 to 8, 9 and more. */
function matchClass(match: number): string {
  if (match <= 3) return `${match}`
  return match <= 5 ? '4–5' : match <= 8 ? '6–8' : '9+'
}
