import { type StepCosts, targetPassSeconds } from '../draft-length/step-costs'
import type { StepSize } from './best-lengths'

/** Rows between which the pass of the target is a straight line. */
const nodes = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256, 512]
/**
 * Behind the nodes: times that drafts take what was measured, and seconds of one more sequence, of one more that is drafted for, and of
 * one more number of rows that sequences have.
 */
const draftFactor = nodes.length
const perSequence = nodes.length + 1
const perDraft = nodes.length + 2
const perKind = nodes.length + 3
const costCount = nodes.length + 4

/** How far what was measured may be wrong, and what is only continued from it: deviations over their values. */
const [measuredDeviation, continuedDeviation] = [0.15, 0.4]
/** What all costs move together from step to step, as a machine gets busy or contexts grow; and what each moves by itself. */
const [commonDrift, ownDrift] = [0.01, 0.006]
/** Deviation of a step's seconds over them. */
const noise = 0.1
/** Deviations that a step is off at most, as far as it is learned from. */
const mostSurprise = 2.5
/** Deviations by which an uncertain cost is taken for lower, so that what seems a little dearer is tried before it is passed over. */
const hope = 1

/**
 * What steps of a batch take, learned from those that were seen: a pass by its rows, draft steps, and what each sequence costs beside.
 * It begins with what was measured of a single sequence. A Kalman filter (1960): every step corrects the costs that it was made
 * of by how sure these were, and what was long not seen becomes unsure again.
 */
export class RowCosts {
  /** Seconds, but for the factor. */
  readonly #means: Float64Array
  /** [costs, costs] */
  readonly #covariance: Float64Array
  readonly #prior: Float64Array
  /** Deviations that the last step was off. */
  #surprise = 0

  constructor(costs: StepCosts) {
    const { targetSeconds } = costs
    const measured = targetSeconds.at(-1)!.rows
    const plain = targetPassSeconds(costs, 1)
    this.#means = Float64Array.from([
      ...nodes.map((rows) => targetPassSeconds(costs, rows)),
      1,
      plain / 50,
      plain / 20,
      plain / 10,
    ])
    const deviations = [
      // The further a line is continued, the less is known of where it has come to.
      ...nodes.map((rows) => (rows <= measured ? measuredDeviation : (continuedDeviation * rows) / measured)),
      0.3,
      0.7,
      1,
      1,
    ]
    this.#prior = Float64Array.from(deviations, (deviation, i) => (deviation * this.#means[i]!) ** 2)
    this.#covariance = new Float64Array(costCount * costCount)
    for (let i = 0; i < costCount; i++) this.#covariance[i * costCount + i] = this.#prior[i]!
  }

  /** Seconds of a step over so many sequences, each with a draw or a verdict: what is not known for sure is taken for the better. */
  hoped(size: StepSize, sequences: number): number {
    const features = featuresOf(size, sequences)
    const { costs, times } = features
    const expected = this.#expected(features)
    let variance = 0
    // Half of a symmetric sum: this is asked for every draft that could be made.
    for (let a = 0; a < featureCount; a++) {
      const [row, x] = [costs[a]! * costCount, times[a]!]
      variance += x * x * this.#covariance[row + costs[a]!]!
      for (let b = 0; b < a; b++) variance += 2 * x * times[b]! * this.#covariance[row + costs[b]!]!
    }
    return Math.max(expected - hope * Math.sqrt(variance), expected / 2)
  }

  /** Learns from what a step took. */
  observe(step: StepSize, sequences: number, seconds: number): void {
    const features = featuresOf(step, sequences)
    const { costs, times } = features
    const expected = this.#expected(features)
    this.#drift()
    const spread = new Float64Array(costCount) // covariance · features
    for (let i = 0; i < costCount; i++)
      for (let b = 0; b < featureCount; b++) spread[i]! += this.#covariance[i * costCount + costs[b]!]! * times[b]!
    let variance = (noise * expected) ** 2
    for (let a = 0; a < featureCount; a++) variance += times[a]! * spread[costs[a]!]!
    // A step in which something was compiled, or the machine did something else, is no more than a surprise; two such steps say more.
    const deviations = (seconds - expected) / Math.sqrt(variance)
    const isAgain = Math.abs(this.#surprise) > mostSurprise && this.#surprise * deviations > 0
    this.#surprise = deviations
    const most = (isAgain ? 4 : 1) * mostSurprise
    const surprise = Math.min(Math.max(deviations, -most), most) * Math.sqrt(variance)
    for (let i = 0; i < costCount; i++) {
      this.#means[i] = Math.max(this.#means[i]! + (spread[i]! * surprise) / variance, this.#means[i]! / 2)
      for (let j = 0; j < costCount; j++) this.#covariance[i * costCount + j]! -= (spread[i]! * spread[j]!) / variance
    }
  }

  #expected({ costs, times }: Features): number {
    let sum = 0
    for (let a = 0; a < featureCount; a++) sum += times[a]! * this.#means[costs[a]!]!
    return sum
  }

  #drift(): void {
    const covariance = this.#covariance
    for (let i = 0; i < costCount; i++) {
      for (let j = 0; j < costCount; j++)
        covariance[i * costCount + j]! += commonDrift ** 2 * this.#means[i]! * this.#means[j]!
      covariance[i * costCount + i]! += (ownDrift * this.#means[i]!) ** 2
    }
    // Nothing becomes less sure than it was at first, beside what all have in common.
    for (let i = 0; i < costCount; i++) {
      const most = Math.max(this.#prior[i]!, (continuedDeviation * this.#means[i]!) ** 2)
      const variance = covariance[i * costCount + i]!
      if (variance <= most) continue
      const shrink = Math.sqrt(most / variance)
      for (let j = 0; j < costCount; j++) {
        covariance[i * costCount + j]! *= shrink
        covariance[j * costCount + i]! *= shrink
      }
    }
  }
}

/** Costs that are in a step, and how many times each is. */
interface Features {
  readonly costs: Int32Array
  readonly times: Float64Array
}

const featureCount = 6
/** Those of the step that was asked for last: they are asked for many times a step. */
const asked: Features = { costs: new Int32Array(featureCount), times: new Float64Array(featureCount) }
asked.costs.set([draftFactor, perSequence, perDraft, perKind], 2)

function featuresOf({ rows, drafting, kinds, draftSeconds }: StepSize, sequences: number): Features {
  const { costs, times } = asked
  const upper = upperNodes[rows] ?? nodes.length - 1
  const [low, high] = [nodes[upper - 1]!, nodes[upper]!]
  // Beyond the last node the last slope goes on.
  const share = (rows - low) / (high - low)
  costs[0] = upper - 1
  costs[1] = upper
  times[0] = 1 - share
  times[1] = share
  times[2] = draftSeconds
  times[3] = Math.max(0, sequences - 1)
  times[4] = drafting
  times[5] = kinds - 1
  return asked
}

/** By rows, the upper of the two nodes that they are between. */
const upperNodes = Array.from({ length: nodes.at(-1)! + 1 }, (_, rows) =>
  Math.max(
    1,
    nodes.findIndex((node) => node >= rows),
  ),
)
