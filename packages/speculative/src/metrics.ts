import { breakEvenAcceptance } from './draft-length/expected-tokens'
import { blockSeconds, costRatio, type StepCosts, targetPassSeconds } from './draft-length/step-costs'
import { type DraftStop, thresholdOf } from './drafter/draft-stop'
import type { Offer } from './drafter/drafter'
import { figuresJson, type SourceFigures, type SpeculationFigures, type SpeculationReport } from './figures'
import { SourceCounts } from './source-counts'

/** What the metrics count of one block. */
export interface BlockRecord {
  drafted: number
  accepted: number
  /** The offer that was drafted. Left out, a model drafted. */
  offer?: Offer | undefined
  /** γ that was asked for. Default what was drafted. */
  draftLength?: number | undefined
  /** Where the draft was asked to end early. */
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
  /** Drafted tokens that took a step of a model. */
  #modelSteps = 0
  /** Drafts that had fewer tokens than were asked for; those that were asked to end early, and the sum of their thresholds. */
  #short = 0
  #stops = 0
  #thresholds = 0
  readonly #sources = new Map<string, SourceCounts>()
  readonly #accepted: number[] = []
  readonly #reached: number[] = []
  readonly #overlap: number[] = []

  constructor({ parameterRatio, costs }: { parameterRatio: number; costs?: StepCosts | undefined }) {
    this.parameterRatio = parameterRatio
    this.costs = costs
  }

  record(block: BlockRecord): void {
    const { drafted, accepted, overlap, seconds, offer, draftLength = drafted, stop, delivered = accepted + 1 } = block
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
    if (drafted < Math.min(draftLength, offer?.length ?? draftLength)) this.#short++
    if (stop) {
      this.#stops++
      this.#thresholds += thresholdOf(stop).threshold
    }
    if (!offer || offer.unread !== undefined) this.#modelSteps += drafted
    if (offer)
      this.#source(offer.source).add({
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
    this.#short += other.#short
    this.#stops += other.#stops
    this.#thresholds += other.#thresholds
    for (const [source, counts] of other.#sources) this.#source(source).add(counts)
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
    return this.costs ? costRatio(this.costs) : null
  }

  get breakEvenAcceptanceRate(): number | null {
    const costs = this.#costsPerToken
    return costs && breakEvenAcceptance(costs, Math.max(1, Math.round(this.#draftedLength)))
  }

  get neededAcceptanceLength(): number | null {
    const costs = this.#costsPerToken
    return costs && blockSeconds(costs, this.#draftedLength) / blockSeconds(costs, 0)
  }

  /** With the mean of what a drafted token took: what was looked up took no step. */
  get #costsPerToken(): StepCosts | null {
    if (!this.costs) return null
    const share = this.numDraftTokens ? this.#modelSteps / this.numDraftTokens : 1
    return { ...this.costs, draftSeconds: this.costs.draftSeconds * share }
  }

  get pays(): boolean | null {
    const needed = this.neededAcceptanceLength
    return needed === null || this.numDrafts < enoughBlocks ? null : this.meanAcceptanceLength > needed
  }

  /** The mean length of blocks in which something was drafted; 1 before the first. */
  get #draftedLength(): number {
    return this.numDrafts ? this.numDraftTokens / this.numDrafts : 1
  }

  /** Over target passes. */
  get #meanModelSteps(): number {
    return ratio(this.#modelSteps, this.numTargetPasses)
  }

  get sources(): SourceFigures[] {
    return [...this.#sources].map(([source, counts]) => ({ source, ...counts.figures }))
  }

  #source(name: string): SourceCounts {
    const counts = this.#sources.get(name) ?? new SourceCounts()
    this.#sources.set(name, counts)
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
      sources: this.sources,
    }
  }

  toJSON(): SpeculationReport {
    return figuresJson(this.figures)
  }
}

const ratio = (a: number, b: number) => (b > 0 ? a / b : 0)
const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
