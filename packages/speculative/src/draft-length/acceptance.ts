import type { Offer } from '../drafter/drafter'

/** What is believed of a source before anything is measured, and how many trials that is worth; and what a drafter says. */
const priorAcceptance = 0.6
const priorTrials = 2
const drafterTrials = 8
/** What is known of all of them, for one among many. */
const sharedTrials = 24

/**
 * Acceptance by source, kind and position. Of what was hardly tried it is near to what is known of the next larger thing: of a
 * position near to its kind's, of a kind near to that of the source's other kinds, or what the drafter itself expects.
 */
export class Acceptance {
  readonly #limit: number
  readonly #memory: number
  readonly #sources = new Map<string, Map<string, Counts>>()

  /**
   * @param limit   positions
   * @param memory  drafts of a kind after which one counts 1/e
   */
  constructor(limit: number, memory: number) {
    this.#limit = limit
    this.#memory = memory
  }

  /**
   * The probability that each position is accepted, those before it accepted; the first taken for more by `hope` deviations of what
   * trials of the kind can say. That makes something be drafted, and not more of it.
   */
  of(offer: Offer, hope = 0): (position: number) => number {
    const believed = this.#believed(offer)
    if (hope === 0) return believed
    const counts = this.#sources.get(offer.source)?.get(offer.kind)
    const trials = (counts ? total([counts], 'tried') : 0) + priorTrials
    const first = believed(0)
    const hoped = Math.min(1, first + hope * Math.sqrt((first * (1 - first)) / trials))
    return (position) => (position === 0 ? hoped : believed(position))
  }

  /** The same for one among many, with what is known of all of them, by position. */
  among({ source, kind }: Offer, shared: readonly number[]): (position: number) => number {
    const counts = this.#sources.get(source)?.get(kind)
    return (position) =>
      believed(counts?.accepted[position] ?? 0, counts?.tried[position] ?? 0, shared[position]!, sharedTrials)
  }

  #believed({ source, kind, acceptance }: Offer): (position: number) => number {
    const kinds = this.#sources.get(source)
    const counts = kinds?.get(kind)
    const trials = drafterTrials * (counts?.belief ?? 1)
    if (acceptance)
      return (position) =>
        believed(counts?.accepted[position] ?? 0, counts?.tried[position] ?? 0, acceptance[position]!, trials)
    const others = [...(kinds ?? [])].filter(([name]) => name !== kind).map(([, other]) => other)
    const likely = believed(total(others, 'accepted'), total(others, 'tried'), priorAcceptance)
    if (!counts) return () => likely
    const pooled = believed(total([counts], 'accepted'), total([counts], 'tried'), likely)
    return (position) => believed(counts.accepted[position]!, counts.tried[position]!, pooled)
  }

  /**
   * Counts a draft of which so many tokens were accepted.
   *
   * @param sequences  of a step, if drafts of all of them are counted: they are forgotten by steps. Default 1
   */
  observe({ source, kind }: Offer, { drafted, accepted: count, sequences = 1 }: Drafted): void {
    const counts = this.#counts(source, kind)
    const { accepted, tried } = counts
    const keep = Math.exp(-1 / (this.#memory * sequences))
    counts.belief *= keep
    for (let position = 0; position < this.#limit; position++) {
      accepted[position]! *= keep
      tried[position]! *= keep
      if (position < drafted && position <= count) tried[position]! += 1
      if (position < count) accepted[position]! += 1
    }
  }

  /** Forgets a little of a draft that is passed over: 1/e is left after so many times. */
  fade({ source, kind }: Offer, times: number): void {
    const counts = this.#sources.get(source)?.get(kind)
    if (!counts) return
    const keep = Math.exp(-1 / times)
    for (let position = 0; position < this.#limit; position++) {
      counts.accepted[position]! *= keep
      counts.tried[position]! *= keep
    }
  }

  #counts(source: string, kind: string): Counts {
    const kinds = this.#sources.get(source) ?? new Map<string, Counts>()
    const none = () => new Float64Array(this.#limit)
    const counts = kinds.get(kind) ?? { accepted: none(), tried: none(), belief: 1 }
    this.#sources.set(source, kinds.set(kind, counts))
    return counts
  }
}

interface Drafted {
  drafted: number
  accepted: number
  sequences?: number
}

/** By position. */
interface Counts {
  accepted: Float64Array
  tried: Float64Array
  /** What is left of what the drafter said: it is forgotten as observations are. */
  belief: number
}

const believed = (accepted: number, tried: number, prior: number, trials = priorTrials) =>
  (accepted + prior * trials) / (tried + trials)

const total = (counts: readonly Counts[], what: 'accepted' | 'tried') =>
  counts.reduce((sum, each) => sum + each[what].reduce((a, b) => a + b, 0), 0)
