import { breakEvenAcceptance } from './draft-length/expected-tokens'
import { blockSeconds, costRatio, type StepCosts, targetPassSeconds } from './draft-length/step-costs'
import { type DraftStop, thresholdOf } from './drafter/draft-stop'
import type { Offer } from './drafter/drafter'
import { DrafterCounts } from './drafter-counts'
import { type DrafterFigures, figuresJson, type SpeculationFigures, type SpeculationReport } from './figures'

/** What the metrics count of one block. */
export interface BlockRecord {
  drafted: number
  accepted: number
  /** The offer that was drafted. Left out, a model drafted. */
  offer?: Offer | undefined
  /** Drafted positions that the pass was over: more than `drafted` where the draft ended early. Default `drafted`. */
  computed?: number | undefined
  /** Whether draft steps behind an early end were left out. Default true. */
  skips?: boolean | undefined
  /** Where `draftStop: 'auto'` chose that the draft may end early. */
  stop?: DraftStop | undefined
  /** Σₓ min(p, q) at each drafted position. */
  overlap: ArrayLike<number>
  /** Tokens of the block that belong to the answer: fewer than `accepted` + 1 where it ended inside. Default `accepted` + 1. */
  delivered?: number | undefined
  seconds: number
}

/** Blocks after which it is said whether speculation pays. */
const enoughBlocks = 16

/**
 * Sums over blocks, and the figures in terms of them. Tokens after the end of an answer, inside its last block, count nowhere
 * but as drafted: nobody gets them.
 */
export class SpeculationMetrics implements SpeculationFigures {
  readonly parameterRatio: number
  /** What steps cost; undefined where nobody has measured it. */
  readonly costs: StepCosts | undefined
  numDrafts = 0
  numDraftTokens = 0
  numAcceptedTokens = 0
  numDeliveredTokens = 0
  numTargetPasses = 0
  /** Seconds from token to token: those passes, the draft steps before them, and what a reader takes between blocks. */
  seconds = 0
  #deliveredByDrafts = 0
  /** Passes of a model: a step each token, or one a block. */
  #modelSteps = 0
  /** Positions that passes were over. */
  #computed = 0
  /** Drafts that ended early; those for which it was chosen that they may, and the sum of their thresholds. */
  #short = 0
  #stops = 0
  #thresholds = 0
  readonly #drafters = new Map<string, DrafterCounts>()
  readonly #accepted: number[] = []
  readonly #reached: number[] = []
  readonly #overlap: number[] = []

  constructor({ parameterRatio, costs }: { parameterRatio: number; costs?: StepCosts | undefined }) {
    this.parameterRatio = parameterRatio
    this.costs = costs
  }

  record(block: BlockRecord): void {
    const { drafted, accepted, overlap, seconds, offer, stop, delivered = accepted + 1 } = block
    const { computed = drafted, skips = true } = block
    this.numTargetPasses++
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
    this.#computed += computed
    if (drafted < computed) this.#short++
    if (stop) {
      this.#stops++
      this.#thresholds += thresholdOf(stop).threshold
    }
    if (offer?.parallel) this.#modelSteps++
    else if (!offer || offer.unread !== undefined) this.#modelSteps += skips ? drafted : computed
    if (offer)
      this.#drafter(offer.source).add({
        drafts: 1,
        drafted,
        accepted: kept,
        delivered,
        reached,
        overlap: total(Array.from(overlap).slice(0, reached)),
      })
    for (let position = 0; position < drafted; position++)
      this.#accepted[position] = (this.#accepted[position] ?? 0) + (position < kept ? 1 : 0)
    for (let position = 0; position < reached; position++) {
      this.#reached[position] = (this.#reached[position] ?? 0) + 1
      this.#overlap[position] = (this.#overlap[position] ?? 0) + overlap[position]!
    }
  }

  /** Counts another's blocks too: categories of prompts as one. Costs and the ratio of parameters stay as they are. */
  add(other: SpeculationMetrics): void {
    this.numTargetPasses += other.numTargetPasses
    this.seconds += other.seconds
    this.numDrafts += other.numDrafts
    this.numDraftTokens += other.numDraftTokens
    this.numAcceptedTokens += other.numAcceptedTokens
    this.numDeliveredTokens += other.numDeliveredTokens
    this.#deliveredByDrafts += other.#deliveredByDrafts
    this.#modelSteps += other.#modelSteps
    this.#computed += other.#computed
    this.#short += other.#short
    this.#stops += other.#stops
    this.#thresholds += other.#thresholds
    for (const [drafter, counts] of other.#drafters) this.#drafter(drafter).add(counts)
    for (const [mine, theirs] of [
      [this.#reached, other.#reached],
      [this.#accepted, other.#accepted],
      [this.#overlap, other.#overlap],
    ] as const)
      for (const [position, sum] of theirs.entries()) mine[position] = (mine[position] ?? 0) + sum
  }

  /** The same counts, as they are now, where steps cost this. */
  withCosts(costs: StepCosts | undefined): SpeculationMetrics {
    const priced = new SpeculationMetrics({ parameterRatio: this.parameterRatio, costs })
    priced.add(this)
    return priced
  }

  get numAcceptedTokensPerPos(): number[] {
    return [...this.#accepted]
  }

  get numReachedTokensPerPos(): number[] {
    return [...this.#reached]
  }

  get meanAcceptanceLength(): number {
    return ratio(this.#deliveredByDrafts, this.numDrafts)
  }

  get draftAcceptanceRate(): number {
    return ratio(this.numAcceptedTokens, this.numDraftTokens)
  }

  get blockEfficiency(): number {
    return ratio(this.numDeliveredTokens, this.numTargetPasses)
  }

  get acceptanceRate(): number {
    return ratio(total(this.#overlap), total(this.#reached))
  }

  get acceptanceRatePerPos(): number[] {
    return this.#overlap.map((sum, position) => sum / this.#reached[position]!)
  }

  get meanDraftLength(): number {
    return ratio(this.numDraftTokens, this.numTargetPasses)
  }

  get endedEarlyRate(): number {
    return ratio(this.#short, this.numDrafts)
  }

  get stopChosenRate(): number {
    return ratio(this.#stops, this.numDrafts)
  }

  get stopSavingRate(): number | null {
    if (this.costs?.skippedSeconds === undefined || this.costs.draftSeconds === 0) return null
    return 1 - this.costs.skippedSeconds / this.costs.draftSeconds
  }

  get meanStopThreshold(): number | null {
    return this.#stops ? this.#thresholds / this.#stops : null
  }

  get mbsu(): number {
    return this.blockEfficiency / (1 + this.parameterRatio * this.#meanModelSteps)
  }

  /** τ / (1 + cγ) with the measured c: the speed-up if a pass over a block took no longer than a plain one. */
  get expectedSpeedUp(): number | null {
    return this.costRatio === null ? null : this.blockEfficiency / (1 + this.costRatio * this.#meanModelSteps)
  }

  get costRatio(): number | null {
    return this.costs ? costRatio(this.costs, this.numDrafts ? this.#computedLength : undefined) : null
  }

  get breakEvenAcceptanceRate(): number | null {
    const costs = this.#costsPerToken
    return costs && breakEvenAcceptance(costs, Math.max(1, Math.round(this.#computedLength)))
  }

  get neededAcceptanceLength(): number | null {
    const costs = this.#costsPerToken
    return costs && blockSeconds(costs, this.#computedLength) / blockSeconds(costs, 0)
  }

  /** With the mean of what a position took, or a block: what was looked up took no step, and neither did what was left out. */
  get #costsPerToken(): StepCosts | null {
    if (!this.costs) return null
    const { draftSeconds, draftPasses } = this.costs
    if (draftPasses) {
      const share = this.numDrafts ? this.#modelSteps / this.numDrafts : 1
      return {
        ...this.costs,
        draftPasses: draftPasses.map(({ rows, seconds }) => ({ rows, seconds: seconds * share })),
      }
    }
    const share = this.#computed ? this.#modelSteps / this.#computed : 1
    return { ...this.costs, draftSeconds: draftSeconds * share }
  }

  get pays(): boolean | null {
    const needed = this.neededAcceptanceLength
    return needed === null || this.numDrafts < enoughBlocks ? null : this.meanAcceptanceLength > needed
  }

  /** The mean γ of passes over a draft; 1 before the first. */
  get #computedLength(): number {
    return this.numDrafts ? this.#computed / this.numDrafts : 1
  }

  /** Over target passes. */
  get #meanModelSteps(): number {
    return ratio(this.#modelSteps, this.numTargetPasses)
  }

  get drafters(): DrafterFigures[] {
    return [...this.#drafters].map(([drafter, counts]) => ({ drafter, ...counts.figures }))
  }

  #drafter(name: string): DrafterCounts {
    const counts = this.#drafters.get(name) ?? new DrafterCounts()
    this.#drafters.set(name, counts)
    return counts
  }

  get tokensPerSecond(): number {
    return ratio(this.numDeliveredTokens, this.seconds)
  }

  get plainTokensPerSecond(): number | null {
    return this.costs ? 1 / targetPassSeconds(this.costs, 1) : null
  }

  /** All of it as plain data, as it is now. */
  get figures(): SpeculationFigures {
    return {
      numDrafts: this.numDrafts,
      numDraftTokens: this.numDraftTokens,
      numAcceptedTokens: this.numAcceptedTokens,
      numAcceptedTokensPerPos: this.numAcceptedTokensPerPos,
      numReachedTokensPerPos: this.numReachedTokensPerPos,
      numTargetPasses: this.numTargetPasses,
      numDeliveredTokens: this.numDeliveredTokens,
      meanAcceptanceLength: this.meanAcceptanceLength,
      meanDraftLength: this.meanDraftLength,
      endedEarlyRate: this.endedEarlyRate,
      stopChosenRate: this.stopChosenRate,
      stopSavingRate: this.stopSavingRate,
      meanStopThreshold: this.meanStopThreshold,
      draftAcceptanceRate: this.draftAcceptanceRate,
      blockEfficiency: this.blockEfficiency,
      acceptanceRate: this.acceptanceRate,
      acceptanceRatePerPos: this.acceptanceRatePerPos,
      mbsu: this.mbsu,
      parameterRatio: this.parameterRatio,
      costRatio: this.costRatio,
      breakEvenAcceptanceRate: this.breakEvenAcceptanceRate,
      neededAcceptanceLength: this.neededAcceptanceLength,
      pays: this.pays,
      tokensPerSecond: this.tokensPerSecond,
      plainTokensPerSecond: this.plainTokensPerSecond,
      drafters: this.drafters,
    }
  }

  toJSON(): SpeculationReport {
    return figuresJson(this.figures)
  }
}

const ratio = (a: number, b: number) => (b > 0 ? a / b : 0)
const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
