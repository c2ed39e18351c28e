import { type StepCosts, targetPassSeconds } from '../draft-length/step-costs'

/** What a step of a batch was made of. */
export interface StepParts {
  /** Rows of the target's pass, over all sequences. */
  rows: number
  /** Sequences that the pass was over, each with a draw or a verdict. */
  sequences: number
  /** Those of them that were drafted for. */
  drafting: number
  /** Seconds of drafting, as the measured costs have it. */
  draftSeconds: number
}

/** Rows between which the pass of the target is a straight line. */
const nodes = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256, 512]
/** Behind the nodes: times that drafts take what was measured, and seconds of one more sequence, and of one more that is drafted for. */
const [draftFactor, perSequence, perDraft] = [nodes.length, nodes.length + 1, nodes.length + 2]
const size = nodes.length + 3

/** How far what was measured may be wrong, and what is only continued from it: deviations over their values. */
const [measuredDeviation, continuedDeviation] = [0.15, 0.4]
/** What all costs move together from step to step, as a machine gets busy or contexts grow; and what each moves by itself. */
const [commonDrift, ownDrift] = [0.02, 0.003]
/** Deviation of a step's seconds over them. */
const noise = 0.08
/** Deviations that a step is off at most, as far as it is learned from. */
const mostSurprise = 2.5
/** Deviations by which an uncertain cost is taken for lower, so that what seems a little dearer is tried before it is passed over. */
const hope = 1.5

/**
 * What steps of a batch take, learned from those that were seen: a pass by its rows, draft steps, and what each sequence costs beside.
 * It begins with what was measured of a single sequence. A Kalman filter (1960): every step corrects the costs that it was made
 * of by how sure these were, and what was long not seen becomes unsure again.
 */
export class RowCosts {
  /** Seconds, but for the factor. */
  readonly #means: Float64Array
  /** [size, size] */
  readonly #covariance: Float64Array
  readonly #prior: Float64Array
  /** Deviations that the last step was off. */
  #surprise = 0

  constructor(costs: StepCosts) {
    const { targetSeconds } = costs
    const measured = targetSeconds.at(-1)!.rows
    const plain = targetPassSeconds(costs, 1)
    this.#means = Float64Array.from([...nodes.map((rows) => targetPassSeconds(costs, rows)), 1, plain / 50, plain / 20])
    const deviations = [
      ...nodes.map((rows) => (rows <= measured ? measuredDeviation : continuedDeviation)),
      0.3,
      0.7,
      1,
    ]
    this.#prior = Float64Array.from(deviations, (deviation, i) => (deviation * this.#means[i]!) ** 2)
    this.#covariance = new Float64Array(size * size)
    for (let i = 0; i < size; i++) this.#covariance[i * size + i] = this.#prior[i]!
  }

  /** Seconds of a step, as far as is known. */
  seconds(parts: StepParts): number {
    return this.#expected(featuresOf(parts))
  }

  /** The same, what is not known for sure taken for the better. */
  hoped(parts: StepParts): number {
    const features = featuresOf(parts)
    const expected = this.#expected(features)
    let variance = 0
    // Half of a symmetric sum: this is asked for every draft that could be made.
    for (let a = 0; a < features.length; a++) {
      const [i, x] = features[a]!
      variance += x * x * this.#covariance[i * size + i]!
      for (let b = 0; b < a; b++) variance += 2 * x * features[b]![1] * this.#covariance[i * size + features[b]![0]]!
    }
    return Math.max(expected - hope * Math.sqrt(variance), expected / 2)
  }

  /** Learns from what a step took. */
  observe(parts: StepParts, seconds: number): void {
    const features = featuresOf(parts)
    const expected = this.#expected(features)
    this.#drift()
    const spread = new Float64Array(size) // covariance · features
    for (let i = 0; i < size; i++) for (const [j, y] of features) spread[i]! += this.#covariance[i * size + j]! * y
    let variance = (noise * expected) ** 2
    for (const [i, x] of features) variance += x * spread[i]!
    // A step in which something was compiled, or the machine did something else, is no more than a surprise; two such steps say more.
    const deviations = (seconds - expected) / Math.sqrt(variance)
    const isAgain = Math.abs(this.#surprise) > mostSurprise && this.#surprise * deviations > 0
    this.#surprise = deviations
    const most = (isAgain ? 4 : 1) * mostSurprise
    const surprise = Math.min(Math.max(deviations, -most), most) * Math.sqrt(variance)
    for (let i = 0; i < size; i++) {
      this.#means[i] = Math.max(this.#means[i]! + (spread[i]! * surprise) / variance, this.#means[i]! / 2)
      for (let j = 0; j < size; j++) this.#covariance[i * size + j]! -= (spread[i]! * spread[j]!) / variance
    }
  }

  #expected(features: readonly Feature[]): number {
    let sum = 0
    for (const [i, x] of features) sum += x * this.#means[i]!
    return sum
  }

  #drift(): void {
    const covariance = this.#covariance
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) covariance[i * size + j]! += commonDrift ** 2 * this.#means[i]! * this.#means[j]!
      covariance[i * size + i]! += (ownDrift * this.#means[i]!) ** 2
    }
    // Nothing becomes less sure than it was at first, beside what all have in common.
    for (let i = 0; i < size; i++) {
      const most = Math.max(this.#prior[i]!, (continuedDeviation * this.#means[i]!) ** 2)
      const variance = covariance[i * size + i]!
      if (variance <= most) continue
      const shrink = Math.sqrt(most / variance)
      for (let j = 0; j < size; j++) {
        covariance[i * size + j]! *= shrink
        covariance[j * size + i]! *= shrink
      }
    }
  }
}

/** How many times a cost is in a step. */
type Feature = readonly [cost: number, times: number]

function featuresOf({ rows, sequences, drafting, draftSeconds }: StepParts): Feature[] {
  const upper = upperNodes[rows] ?? nodes.length - 1
  const [low, high] = [nodes[upper - 1]!, nodes[upper]!]
  // Beyond the last node the last slope goes on.
  const share = (rows - low) / (high - low)
  return [
    [upper - 1, 1 - share],
    [upper, share],
    [draftFactor, draftSeconds],
    [perSequence, Math.max(0, sequences - 1)],
    [perDraft, drafting],
  ]
}

/** By rows, the upper of the two nodes that they are between. */
const upperNodes = Array.from({ length: nodes.at(-1)! + 1 }, (_, rows) =>
  Math.max(
    1,
    nodes.findIndex((node) => node >= rows),
  ),
)
