import type { BlockObservation, SpeculationMetrics } from '@outrider/speculative'

/** The figures of speculation, as plain data. Rates of nothing are null. */
export interface Figures {
  /** Tokens per pass of the target, τ. */
  blockEfficiency: number | null
  /** α: the mean of Σ min(p, q) over the drafted positions that were reached. */
  acceptanceRate: number | null
  /** By position in the block: the share of drafts that kept this token, and α there, if any reached it. */
  positions: { kept: number; acceptanceRate: number | null }[]
  drafted: number
  accepted: number
  passes: number
  /** Tokens per second of passes that verified a draft. */
  speculativeRate: number | null
  /** Tokens per second without drafts: of plain passes where there were any, else by the measured cost of one. */
  plainRate: number | null
  /** The α at which speculation begins to pay; null if unmeasured or out of reach. */
  breakEven: number | null
  /** Tokens of a block that was drafted, and those that it must bring to pay; null if unmeasured. */
  acceptanceLength: number | null
  neededLength: number | null
  /** Whether speculation pays; null while there are too few blocks to say. */
  pays: boolean | null
  /** Whether costs are measured: then a missing `breakEven` is out of reach. */
  measured: boolean
  /** Seconds of a draft step over those of a plain pass of the target. */
  costRatio: number | null
  /** Memory-bound speed-up. */
  mbsu: number | null
}

/** Delivered tokens and seconds of passes, by whether they had a draft. */
export class Rates {
  readonly #plain = { tokens: 0, seconds: 0 }
  readonly #speculative = { tokens: 0, seconds: 0 }

  observe({ drafted, accepted, seconds, delivered = accepted + 1 }: BlockObservation): void {
    const kind = drafted > 0 ? this.#speculative : this.#plain
    kind.tokens += delivered
    kind.seconds += seconds
  }

  get plain(): number | null {
    return perSecond(this.#plain)
  }

  get speculative(): number | null {
    return perSecond(this.#speculative)
  }
}

export function figuresOf(metrics: SpeculationMetrics, rates: Rates): Figures {
  const { numDrafts, numDraftTokens, numAcceptedTokens, targetPasses } = metrics
  const drafting = numDrafts > 0
  const alphas = metrics.acceptanceRatePerPos
  return {
    blockEfficiency: targetPasses > 0 ? metrics.blockEfficiency : null,
    acceptanceRate: drafting ? metrics.acceptanceRate : null,
    positions: metrics.numAcceptedTokensPerPos.map((kept, position) => ({
      kept: kept / numDrafts,
      acceptanceRate: alphas[position] ?? null,
    })),
    drafted: numDraftTokens,
    accepted: numAcceptedTokens,
    passes: targetPasses,
    speculativeRate: rates.speculative,
    plainRate: rates.plain ?? metrics.plainTokensPerSecond,
    breakEven: metrics.breakEvenAcceptanceRate,
    acceptanceLength: drafting ? metrics.meanAcceptanceLength : null,
    neededLength: metrics.neededAcceptanceLength,
    pays: metrics.pays,
    measured: metrics.costs !== undefined,
    costRatio: metrics.costRatio,
    mbsu: drafting ? metrics.mbsu : null,
  }
}

const perSecond = ({ tokens, seconds }: { tokens: number; seconds: number }) => (seconds > 0 ? tokens / seconds : null)
