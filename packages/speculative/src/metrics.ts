import { breakEvenAcceptance } from './draft-length/expected-tokens'
import { blockSeconds, costRatio, type StepCosts, targetPassSeconds } from './draft-length/step-costs'

/** What the metrics count of one block. */
export interface BlockRecord {
  drafted: number
  accepted: number
  /** Σₓ min(p, q) at each drafted position. */
  overlap: ArrayLike<number>
  /** Tokens of the block that belong to the answer: fewer than `accepted` + 1 where it ended inside. Default `accepted` + 1. */
  delivered?: number | undefined
  seconds: number
}

/** The names of vLLM's speculative decoding metrics, beside the paper's, as `toJSON` prints them. */
export interface SpeculationReport {
  num_drafts: number
  num_draft_tokens: number
  num_accepted_tokens: number
  num_accepted_tokens_per_pos: number[]
  num_reached_tokens_per_pos: number[]
  num_target_passes: number
  num_delivered_tokens: number
  mean_acceptance_length: number
  mean_draft_length: number
  draft_acceptance_rate: number
  block_efficiency: number
  acceptance_rate: number
  acceptance_rate_per_pos: number[]
  mbsu: number
  parameter_ratio: number
  cost_ratio: number | null
  break_even_acceptance_rate: number | null
  needed_acceptance_length: number | null
  pays: boolean | null
  tokens_per_second: number
  plain_tokens_per_second: number | null
}

/** Blocks after which it is said whether speculation pays. */
const enoughBlocks = 16

/**
 * Sums over blocks, and the measures of speculation in terms of them. Rates of nothing are 0. Tokens after the end of an
 * answer, inside its last block, count nowhere but as drafted: nobody gets them.
 */
export class SpeculationMetrics {
  /** c of MBSU: parameters of the drafter over those of the target. */
  readonly parameterRatio: number
  /** Blocks in which something was drafted. */
  numDrafts = 0
  numDraftTokens = 0
  /** Drafted tokens that were accepted and delivered. */
  numAcceptedTokens = 0
  /** Tokens that these passes delivered, drafted or not. */
  numDeliveredTokens = 0
  /** Passes of the target after the prompt: verifications and plain steps. */
  targetPasses = 0
  /** Seconds from token to token: those passes, the draft steps before them, and what a reader takes between blocks. */
  seconds = 0
  /** What the steps cost, once measured. */
  costs: StepCosts | undefined
  #deliveredByDrafts = 0
  readonly #accepted: number[] = []
  readonly #reached: number[] = []
  readonly #overlap: number[] = []

  constructor({ parameterRatio }: { parameterRatio: number }) {
    this.parameterRatio = parameterRatio
  }

  record({ drafted, accepted, overlap, seconds, delivered = accepted + 1 }: BlockRecord): void {
    this.targetPasses++
    this.seconds += seconds
    this.numDeliveredTokens += delivered
    if (drafted === 0) return
    const kept = Math.min(accepted, delivered)
    // A position is decided once those before it are accepted, unless the answer has ended before it.
    const reached = Math.min(drafted, accepted + 1, delivered)
    this.numDrafts++
    this.numDraftTokens += drafted
    this.numAcceptedTokens += kept
    this.#deliveredByDrafts += delivered
    for (let position = 0; position < drafted; position++)
      this.#accepted[position] = (this.#accepted[position] ?? 0) + (position < kept ? 1 : 0)
    for (let position = 0; position < reached; position++) {
      this.#reached[position] = (this.#reached[position] ?? 0) + 1
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
    this.numDeliveredTokens += other.numDeliveredTokens
    this.#deliveredByDrafts += other.#deliveredByDrafts
    for (const [mine, theirs] of [
      [this.#reached, other.#reached],
      [this.#accepted, other.#accepted],
      [this.#overlap, other.#overlap],
    ] as const)
      for (const [position, sum] of theirs.entries()) mine[position] = (mine[position] ?? 0) + sum
  }

  /** Blocks that kept the drafted token at each position. */
  get numAcceptedTokensPerPos(): number[] {
    return [...this.#accepted]
  }

  /** Blocks that reached each position: those before it were accepted, and the answer had not ended. */
  get numReachedTokensPerPos(): number[] {
    return [...this.#reached]
  }

  /** Delivered tokens of a block that was drafted: accepted ones and the one that the target adds. */
  get meanAcceptanceLength(): number {
    return ratio(this.#deliveredByDrafts, this.numDrafts)
  }

  /** Accepted over drafted tokens. Not α: drafted tokens after a rejection count as lost. */
  get draftAcceptanceRate(): number {
    return ratio(this.numAcceptedTokens, this.numDraftTokens)
  }

  /** τ: delivered tokens per pass of the target, passes without a draft included. */
  get blockEfficiency(): number {
    return ratio(this.numDeliveredTokens, this.targetPasses)
  }

  /** α: the mean of Σₓ min(p, q) over the drafted positions that were reached. What follows a rejection has another text before it. */
  get acceptanceRate(): number {
    return ratio(total(this.#overlap), total(this.#reached))
  }

  /** α at each position of the block, as far as any block reached. */
  get acceptanceRatePerPos(): number[] {
    return this.#overlap.map((sum, position) => sum / this.#reached[position]!)
  }

  /** The mean γ over target passes. */
  get meanDraftLength(): number {
    return ratio(this.numDraftTokens, this.targetPasses)
  }

  /** Memory-bound speed-up τ / (1 + cγ), c the ratio of parameters and γ the mean draft length. */
  get mbsu(): number {
    return this.blockEfficiency / (1 + this.parameterRatio * this.meanDraftLength)
  }

  /** τ / (1 + cγ) with the measured c: the speed-up if a pass over a block took no longer than a plain one. */
  get expectedSpeedUp(): number | null {
    return this.costRatio === null ? null : this.blockEfficiency / (1 + this.costRatio * this.meanDraftLength)
  }

  /** The measured c: seconds of a draft step over those of a plain target step. */
  get costRatio(): number | null {
    return this.costs ? costRatio(this.costs) : null
  }

  /** The α at which blocks of the length drafted are as fast as plain decoding; null if unmeasured or out of reach. */
  get breakEvenAcceptanceRate(): number | null {
    return this.costs ? breakEvenAcceptance(this.costs, Math.max(1, Math.round(this.#draftedLength))) : null
  }

  /** The tokens that a block of the length drafted must bring to be as fast as plain decoding: its seconds over a plain pass's. */
  get neededAcceptanceLength(): number | null {
    return this.costs ? blockSeconds(this.costs, this.#draftedLength) / blockSeconds(this.costs, 0) : null
  }

  /**
   * Whether blocks bring more tokens than they must: the mean acceptance length against the one needed. Null where costs are
   * not measured, and before so many blocks that one more could not turn it lightly.
   */
  get pays(): boolean | null {
    const needed = this.neededAcceptanceLength
    return needed === null || this.numDrafts < enoughBlocks ? null : this.meanAcceptanceLength > needed
  }

  /** The mean length of blocks in which something was drafted; 1 before the first. */
  get #draftedLength(): number {
    return this.numDrafts ? this.numDraftTokens / this.numDrafts : 1
  }

  /** Delivered tokens per second, the prompt's pass and the token it brings left out. */
  get tokensPerSecond(): number {
    return ratio(this.numDeliveredTokens, this.seconds)
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
      num_reached_tokens_per_pos: this.numReachedTokensPerPos,
      num_target_passes: this.targetPasses,
      num_delivered_tokens: this.numDeliveredTokens,
      mean_acceptance_length: this.meanAcceptanceLength,
      mean_draft_length: this.meanDraftLength,
      draft_acceptance_rate: this.draftAcceptanceRate,
      block_efficiency: this.blockEfficiency,
      acceptance_rate: this.acceptanceRate,
      acceptance_rate_per_pos: this.acceptanceRatePerPos,
      mbsu: this.mbsu,
      parameter_ratio: this.parameterRatio,
      cost_ratio: this.costRatio,
      break_even_acceptance_rate: this.breakEvenAcceptanceRate,
      needed_acceptance_length: this.neededAcceptanceLength,
      pays: this.pays,
      tokens_per_second: this.tokensPerSecond,
      plain_tokens_per_second: this.plainTokensPerSecond,
    }
  }
}

const ratio = (a: number, b: number) => (b > 0 ? a / b : 0)
const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
