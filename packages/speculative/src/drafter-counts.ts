import type { DrafterFigures } from './figures'

type Counts = Pick<DrafterCounts, 'drafts' | 'drafted' | 'accepted' | 'delivered' | 'reached' | 'overlap'>

/** Sums over the blocks that one of several drafted. */
export class DrafterCounts {
  drafts = 0
  drafted = 0
  accepted = 0
  delivered = 0
  /** Positions that were reached, and the sum of Σₓ min(p, q) over them. */
  reached = 0
  overlap = 0

  add(other: Counts): void {
    this.drafts += other.drafts
    this.drafted += other.drafted
    this.accepted += other.accepted
    this.delivered += other.delivered
    this.reached += other.reached
    this.overlap += other.overlap
  }

  /** It has drafted at least once. */
  get figures(): Omit<DrafterFigures, 'drafter'> {
    return {
      numDrafts: this.drafts,
      numDraftTokens: this.drafted,
      numAcceptedTokens: this.accepted,
      meanAcceptanceLength: this.delivered / this.drafts,
      draftAcceptanceRate: this.accepted / this.drafted,
      acceptanceRate: this.reached > 0 ? this.overlap / this.reached : 0,
    }
  }
}
