import { breakEvenAcceptance } from './draft-length/expected-tokens'
import { costRatio, type StepCosts, targetPassSeconds } from './draft-length/step-costs'

/** What the metrics count of one block. */
export interface BlockRecord {
  drafted: number
  accepted: number
  /** Σₓ min(p, q) at each drafted position. */
  overlap: ArrayLike<number>
  seconds: number
}

/** The names of vLLM's speculative decoding metrics, beside the paper's, as `toJSON` prints them. */
export interface SpeculationReport {
  num_drafts: number
  num_draft_tokens: number
  num_accepted_tokens: number
  num_accepted_tokens_per_pos: number[]
  mean_acceptance_length: number
  draft_acceptance_rate: number
  block_efficiency: number
  acceptance_rate: number
  acceptance_rate_per_pos: number[]
  mbsu: number
  parameter_ratio: number
  cost_ratio: number | null
  break_even_acceptance_rate: number | null
  tokens_per_second: number
  plain_tokens_per_second: number | null
}

/** Sums over blocks, and the measures of speculation in terms of them. Rates of nothing are 0. */
export class SpeculationMetrics {
  /** c of MBSU: parameters of the drafter over those of the target. */
  readonly parameterRatio: number
  /** Blocks in which something was drafted. */
  numDrafts = 0
  numDraftTokens = 0
  numAcceptedTokens = 0
  /** Passes of the target after the prompt: verifications and plain steps. */
  targetPasses = 0
  /** Seconds of those passes and of the draft steps before them. */
  seconds = 0
  /** What the steps cost, once measured. */
  costs: StepCosts | undefined
  readonly #accepted: number[] = []
  readonly #drafted: number[] = []
  readonly #overlap: number[] = []

  constructor({ parameterRatio }: { parameterRatio: number }) {
    this.parameterRatio = parameterRatio
  }

  record({ drafted, accepted, overlap, seconds }: BlockRecord): void {
    this.targetPasses++
    this.seconds += seconds
    if (drafted === 0) return
    this.numDrafts++
    this.numDraftTokens += drafted
    this.numAcceptedTokens += accepted
    for (let position = 0; position < drafted; position++) {
      this.#drafted[position] = (this.#drafted[position] ?? 0) + 1
      this.#accepted[position] = (this.#accepted[position] ?? 0) + (position < accepted ? 1 : 0)
      this.#overlap[position] = (this.#overlap[position] ?? 0) + overlap[position]!
    }
  }

  /** Counts another's blocks too: categories of prompts as one. Costs and the ratio of parameters stay as they are. */
  add(other: SpeculationMetrics): void {
    this.targetPasses += other.targetPasses
    this.seconds += other.seconds
    this.numDrafts += other.numDrafts
    this.numDraftTokens += other.numDraftTokens
    this.numAcceptedTokens += other.numAcceptedTokens
    for (const [mine, theirs] of [
      [this.#drafted, other.#drafted],
      [this.#accepted, other.#accepted],
      [this.#overlap, other.#overlap],
    ] as const)
      for (const [position, sum] of theirs.entries()) mine[position] = (mine[position] ?? 0) + sum
  }

  /** Blocks that kept the drafted token at each position. */
  get numAcceptedTokensPerPos(): number[] {
    return [...this.#accepted]
  }

  /** Tokens of a block that was drafted: accepted ones and the one that the target adds. */
  get meanAcceptanceLength(): number {
    return this.numDrafts ? 1 + this.numAcceptedTokens / this.numDrafts : 0
  }

  /** Accepted over drafted tokens. Not α: drafted tokens after a rejection count as lost. */
  get draftAcceptanceRate(): number {
    return ratio(this.numAcceptedTokens, this.numDraftTokens)
  }

  /** τ: tokens per pass of the target, passes without a draft included. */
  get blockEfficiency(): number {
    return this.targetPasses ? 1 + this.numAcceptedTokens / this.targetPasses : 0
  }

  /** α: the mean of Σₓ min(p, q) over all drafted positions. */
  get acceptanceRate(): number {
    return ratio(
      this.#overlap.reduce((a, b) => a + b, 0),
      this.numDraftTokens,
    )
  }

  /** α at each position of the block. */
  get acceptanceRatePerPos(): number[] {
    return this.#overlap.map((sum, position) => sum / this.#drafted[position]!)
  }

  /** The mean γ over target passes. */
  get meanDraftLength(): number {
    return ratio(this.numDraftTokens, this.targetPasses)
  }

  /** Memory-bound speed-up τ / (1 + cγ), c the ratio of parameters and γ the mean draft length. */
  get mbsu(): number {
    return this.blockEfficiency / (1 + this.parameterRatio * this.meanDraftLength)
  }

  /** The measured c: seconds of a draft step over those of a plain target step. */
  get costRatio(): number | null {
    return this.costs ? costRatio(this.costs) : null
  }

  /** The α at which blocks of the mean draft length are as fast as plain decoding; null if unmeasured or out of reach. */
  get breakEvenAcceptanceRate(): number | null {
    return this.costs ? breakEvenAcceptance(this.costs, Math.max(1, Math.round(this.meanDraftLength))) : null
  }

  /** Tokens per second of the blocks, the prompt's pass left out. */
  get tokensPerSecond(): number {
    return ratio(this.targetPasses + this.numAcceptedTokens, this.seconds)
  }

  /** Tokens per second of plain decoding, by the measured costs. */
  get plainTokensPerSecond(): number | null {
    return this.costs ? 1 / targetPassSeconds(this.costs, 1) : null
  }

  toJSON(): SpeculationReport {
    return {
      num_drafts: this.numDrafts,
      num_draft_tokens: this.numDraftTokens,
      num_accepted_tokens: this.numAcceptedTokens,
      num_accepted_tokens_per_pos: this.numAcceptedTokensPerPos,
      mean_acceptance_length: this.meanAcceptanceLength,
      draft_acceptance_rate: this.draftAcceptanceRate,
      block_efficiency: this.blockEfficiency,
      acceptance_rate: this.acceptanceRate,
      acceptance_rate_per_pos: this.acceptanceRatePerPos,
      mbsu: this.mbsu,
      parameter_ratio: this.parameterRatio,
      cost_ratio: this.costRatio,
      break_even_acceptance_rate: this.breakEvenAcceptanceRate,
      tokens_per_second: this.tokensPerSecond,
      plain_tokens_per_second: this.plainTokensPerSecond,
    }
  }
}

const ratio = (a: number, b: number) => (b > 0 ? a / b : 0)
