import type { BlockObservation, SpeculationFigures, SpeculationMetrics } from '@outrider/speculative'

/** Delivered tokens and seconds of passes, by whether they had a draft. */
export class Rates {
  readonly #plain = { tokens: 0, seconds: 0 }
  readonly #speculative = { tokens: 0, seconds: 0 }

  observe({ drafted, accepted, seconds, delivered = accepted + 1 }: BlockObservation): void {
    const kind = drafted > 0 ? this.#speculative : this.#plain
    kind.tokens += delivered
    kind.seconds += seconds
  }

  get plain(): number {
    return perSecond(this.#plain)
  }

  get speculative(): number {
    return perSecond(this.#speculative)
  }
}

/** Figures with the rates of this page: of passes that verified a draft, and of plain ones, measured where there were any. */
export const figuresOf = (metrics: SpeculationMetrics, rates: Rates): SpeculationFigures => ({
  ...metrics.figures,
  tokensPerSecond: rates.speculative,
  plainTokensPerSecond: rates.plain || metrics.plainTokensPerSecond,
})

const perSecond = ({ tokens, seconds }: { tokens: number; seconds: number }) => (seconds > 0 ? tokens / seconds : 0)
