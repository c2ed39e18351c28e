import { Acceptance } from '../draft-length/acceptance'
import { type BlockObservation, type DraftChoice, maxDraftLength } from '../draft-length/policy'
import {
  type BatchStepSeconds,
  catchUpSeconds,
  draftPassSeconds,
  type StepCosts,
  skipsPay,
} from '../draft-length/step-costs'
import { stopThreshold } from '../draft-length/stopping'
import type { Offer } from '../drafter/drafter'
import { bestLengths, type Gains, joinSteps } from './best-lengths'
import { RowCosts } from './row-costs'

export interface DraftSchedulerOptions {
  /** What steps of a single sequence cost. */
  costs: StepCosts
  /** Whether drafts of offers that `stops` may end early, where costs say that a step that is left out saves something. Default false. */
  stops?: boolean | undefined
  /** Drafts of a kind after which an observation counts 1/e, for a sequence, and steps for all of them. Default 32. */
  memory?: number
  /** Steps for which a kind of draft is passed over until 1/e is left of what is held against it. Default 256. */
  forgiveness?: number
}

/** A sequence whose draft is to be chosen: whatever names it, and what could be drafted for it. */
export interface ScheduledTurn {
  sequence: object
  offers: readonly Offer[]
}

/** What sequences in the step have chosen themselves. */
export interface ChosenAlready {
  sequences: number
  /** Drafts among them, by what they were chosen from. */
  choices: readonly DraftChoice[]
}

/** A block of one sequence, with what was chosen for it. */
export interface ScheduledBlock extends Pick<BlockObservation, 'drafted' | 'computed' | 'accepted' | 'offer'> {
  sequence: object
}

/**
 * Decides for every step of a batch for whom is drafted, by what and how far, so that all sequences together get the most tokens a
 * second (`bestLengths`): by the acceptance of each sequence, which is believed to be that of the others until it has shown its own,
 * and by what steps of so many rows take, learned from those that were seen (`RowCosts`). It sees past blocks and what could be
 * drafted, never what would be drawn, so every answer keeps its distribution. Deterministic given what it observes.
 */
export class DraftScheduler {
  readonly #costs: StepCosts
  readonly #stops: boolean
  readonly #memory: number
  readonly #forgiveness: number
  readonly #seconds: RowCosts
  readonly #shared: Acceptance
  readonly #own = new WeakMap<object, Acceptance>()
  /** Tokens a second that the last plan was to bring: what a draft step is weighed against. */
  #rate = 0
  /** Whether the last plan for about so many sequences drafted for anyone. */
  readonly #drafts = new Map<number, boolean>()
  /** Of all sequences, by kind of offer, while a step is planned. */
  readonly #planned = new Map<string, readonly number[]>()
  /** Of a draft step over so many sequences. */
  readonly #sharedSeconds: (rows: number) => number
  /** The most rows that a pass is known to have had. */
  #mostRows: number

  constructor({ costs, stops = false, memory = 32, forgiveness = 256 }: DraftSchedulerOptions) {
    this.#costs = costs
    this.#stops = stops && skipsPay(costs)
    this.#memory = memory
    this.#forgiveness = forgiveness
    this.#seconds = new RowCosts(costs)
    this.#mostRows = costs.targetSeconds.at(-1)!.rows
    this.#shared = new Acceptance(maxDraftLength, memory)
    const known: number[] = []
    this.#sharedSeconds = (rows) => (known[rows] ??= draftPassSeconds(costs, rows))
    for (const { sequences, choices, seconds } of costs.batchSteps ?? []) this.#learn({ sequences, choices, seconds })
  }

  /** Whether anyone is likely to be drafted for among so many sequences: as when there were about as many; true before there were. */
  drafts(sequences: number): boolean {
    return this.#drafts.get(classOf(sequences)) ?? true
  }

  /** What to draft for each of the turns in a step that they share with others; null decodes plainly. */
  plan(turns: readonly ScheduledTurn[], chosen: ChosenAlready = { sequences: 0, choices: [] }): (DraftChoice | null)[] {
    const sequences = turns.length + chosen.sequences
    if (sequences === 0) return []
    this.#planned.clear()
    const ways = turns.map(({ sequence, offers }) => offers.map((offer) => this.#gainsOf(sequence, offer)))
    const { lengths, rate } = bestLengths({
      ways,
      least: { ...this.#sizeOf(sequences, chosen.choices), tokens: sequences },
      secondsOf: (size) => this.#seconds.hoped(size, sequences),
      sharedSeconds: this.#sharedSeconds,
      // Costs that are continued from few rows to many may be far off, and of a step that is, it is not seen which of them was.
      mostRows: Math.max(2 * sequences, 1.5 * this.#mostRows),
    })
    this.#rate = rate
    if (turns.some(({ offers }) => offers.length > 0))
      this.#drafts.set(
        classOf(sequences),
        lengths.some((length) => length !== null),
      )
    return lengths.map((length, i) => {
      const { sequence, offers } = turns[i]!
      for (const [way, offer] of offers.entries()) if (length?.way !== way) this.#fade(sequence, offer, turns.length)
      return length && this.#choice(sequence, offers[length.way]!, length.draftLength)
    })
  }

  /**
   * Learns from a step.
   *
   * @param blocks   of all who had a row in the pass
   * @param seconds  what the step took, where nothing else was done in it; undefined to learn of acceptance alone
   */
  observe(blocks: readonly ScheduledBlock[], seconds: number | undefined): void {
    for (const { sequence, offer, drafted, computed = drafted, accepted } of blocks) {
      if (!offer || computed === 0) continue
      // A place that a draft did not come to, as it ended early, brought nothing, as one that was refused.
      const observed = { drafted: computed, accepted }
      this.#ownOf(sequence).observe(offer, observed)
      this.#shared.observe(offer, { ...observed, sequences: blocks.length })
    }
    if (seconds === undefined || blocks.length === 0) return
    const choices = blocks.flatMap(({ offer, drafted, computed = drafted }) =>
      offer && computed > 0 ? [{ offer, draftLength: computed }] : [],
    )
    this.#learn({ sequences: blocks.length, choices, seconds })
  }

  #learn({ sequences, choices, seconds }: BatchStepSeconds): void {
    const size = this.#sizeOf(sequences, choices)
    this.#mostRows = Math.max(this.#mostRows, size.rows)
    this.#seconds.observe(size, sequences, seconds)
  }

  /** A step over so many sequences, where these are drafted. */
  #sizeOf(sequences: number, choices: readonly DraftChoice[]) {
    const lengths = choices.map(({ draftLength }) => draftLength)
    const kinds = new Set(choices.length < sequences ? [0, ...lengths] : lengths).size
    const size = { rows: sequences, drafting: choices.length, draftSeconds: 0, kinds, lengths, steps: [] }
    for (const { offer, draftLength } of choices) {
      size.rows += draftLength
      size.draftSeconds += draftSeconds(this.#costs, offer, draftLength)
      if (offer.together) size.draftSeconds += joinSteps(size.steps, [0, draftLength], this.#sharedSeconds)
    }
    return size
  }

  #choice(sequence: object, offer: Offer, draftLength: number): DraftChoice {
    if (!this.#stops || !offer.stops || offer.together) return { offer, draftLength }
    const acceptance = this.#acceptanceOf(sequence, offer)(0)
    // A second is worth to one sequence what it is worth to all.
    return { offer, draftLength, stop: { confidence: stopThreshold(this.#costs, { acceptance, rate: this.#rate }) } }
  }

  #gainsOf(sequence: object, offer: Offer): Gains {
    const acceptance = this.#acceptanceOf(sequence, offer)
    const [tokens, seconds]: [number[], number[]] = [[], []]
    let reached = 1
    const length = Math.min(offer.length, maxDraftLength)
    const { unread, together: joins } = offer
    // A block pays for reading what other drafts than the model's have left to it; a prompt, read once, is shared.
    const charged =
      unread === undefined ? undefined : Math.max(Math.min(unread, maxDraftLength + 1), unread / this.#memory)
    const charges = { ...offer, unread: charged }
    for (let i = 0; i < length && reached > negligible; i++) {
      reached *= acceptance(i)
      tokens.push(reached)
      seconds.push(addedSeconds(this.#costs, charges, i))
    }
    return { tokens, seconds, joins }
  }

  /** Of a sequence that was hardly drafted for, that of all. */
  #acceptanceOf(sequence: object, offer: Offer): (position: number) => number {
    return this.#ownOf(sequence).among(offer, this.#sharedOf(offer))
  }

  /** By position, that of all sequences. */
  #sharedOf(offer: Offer): readonly number[] {
    const kind = `${offer.source} ${offer.kind}`
    // What a drafter itself expects is of one offer.
    const known = offer.acceptance ? undefined : this.#planned.get(kind)
    if (known) return known
    const shared = this.#shared.of(offer, hope)
    const acceptance = Array.from({ length: maxDraftLength }, (_, position) => shared(position))
    if (!offer.acceptance) this.#planned.set(kind, acceptance)
    return acceptance
  }

  #ownOf(sequence: object): Acceptance {
    const own = this.#own.get(sequence) ?? new Acceptance(maxDraftLength, this.#memory)
    this.#own.set(sequence, own)
    return own
  }

  #fade(sequence: object, offer: Offer, sequences: number): void {
    this.#own.get(sequence)?.fade(offer, this.#forgiveness)
    // In a step it is passed over for each of them.
    this.#shared.fade(offer, this.#forgiveness * sequences)
  }
}

/** Deviations by which acceptance is taken for more than it has shown, so that bad luck is not the end. */
const hope = 0.85

/** 1 for one, 2 for two and three, 3 for up to seven. */
const classOf = (sequences: number) => Math.floor(Math.log2(sequences)) + 1

/** A token that is so unlikely to be reached is not drafted. */
const negligible = 0.01

/** Seconds that the i-th drafted token adds, as the measured costs have it, but for steps that are shared. */
function addedSeconds(costs: StepCosts, { unread, parallel, together }: Drafting, i: number): number {
  if (unread === undefined) return 0
  if (parallel) return draftPassSeconds(costs, unread + i) - (i > 0 ? draftPassSeconds(costs, unread + i - 1) : 0)
  return (together ? 0 : costs.draftSeconds) + (i === 0 ? catchUpSeconds(costs, unread) : 0)
}

type Drafting = Pick<Offer, 'unread' | 'parallel' | 'together'>

/** Of γ tokens. */
function draftSeconds(costs: StepCosts, drafting: Drafting, length: number): number {
  let seconds = 0
  for (let i = 0; i < length; i++) seconds += addedSeconds(costs, drafting, i)
  return seconds
}
