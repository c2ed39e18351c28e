import type { Block, SpeculationMetrics, SpeculationReport } from '@outrider/speculative'

/**
 * What a response says of its speculation, in `metrics.speculative_decoding`: the names of vLLM's per-request metrics, and
 * beside them those of `outrider evaluate`.
 */
export interface SpeculativeDecodingReport extends SpeculationReport {
  /** Blocks in which something was drafted, by how many drafted tokens were accepted. */
  acceptance_histogram: number[]
  /** Blocks in which something was drafted. */
  num_spec_steps: number
  num_accepted_draft_tokens: number
  /** The most tokens drafted for a block. */
  num_spec_tokens: number
}

/** Counts the blocks of one answer. */
export class BlockHistogram {
  readonly #accepted: number[] = [0]
  #longest = 0

  record({ drafted, accepted }: Pick<Block, 'drafted' | 'accepted'>): void {
    if (drafted === 0) return
    this.#longest = Math.max(this.#longest, drafted)
    while (this.#accepted.length <= this.#longest) this.#accepted.push(0)
    this.#accepted[accepted]!++
  }

  report(metrics: SpeculationMetrics): SpeculativeDecodingReport {
    return {
      ...metrics.toJSON(),
      acceptance_histogram: [...this.#accepted],
      num_spec_steps: metrics.numDrafts,
      num_accepted_draft_tokens: metrics.numAcceptedTokens,
      num_spec_tokens: this.#longest,
    }
  }
}
