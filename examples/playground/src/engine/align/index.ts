import type { Session } from '../session'

/** Trains a draft for the session's target. */
export function alignRoom(_session: Session) {
  return {}
}
