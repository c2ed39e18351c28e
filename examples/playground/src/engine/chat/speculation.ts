import {
  type SpeculationFigures,
  SpeculativeDecoder,
  type StepCosts,
  type VerificationName,
} from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import type { Session } from '../session'
import { type CurrentDrafter, currentDrafter } from './drafter'
import { figuresOf, Rates } from './figures'
import { liveDraftLength } from './live-draft-length'
import type { ChatSettings } from './settings'

/** A decoder, and the figures of all that it has decoded. */
export interface Speculation {
  decoder: SpeculativeDecoder
  figures: () => SpeculationFigures
}

interface Kept extends Speculation {
  target: PretrainedModel
  drafter: CurrentDrafter
  verification: VerificationName
}

/**
 * Keeps the decoder for the target, the drafter and the rule that are there now, and its figures with it: when one of them
 * changes, there is a new one, which begins to count anew.
 */
export class Speculations {
  readonly #session: Session
  readonly #settings: () => ChatSettings
  /** By what runs steps: measured once, as neither training nor rules change what they cost, nor what is looked up first. */
  readonly #costs = new WeakMap<object, { target: PretrainedModel; costs: StepCosts }>()
  #kept: Kept | undefined

  constructor(session: Session, settings: () => ChatSettings) {
    this.#session = session
    this.#settings = settings
  }

  /** Whether `now` would give another one than it gave last. */
  get changed(): boolean {
    const { target } = this.#session
    const { identity } = currentDrafter(this.#session, this.#settings())
    const { verification } = this.#settings()
    const kept = this.#kept
    return kept?.target !== target || kept?.drafter.identity !== identity || kept?.verification !== verification
  }

  /** The decoder for what is there now. Costs of a pair that is new are measured first. */
  async now(): Promise<Speculation> {
    if (this.#kept && !this.changed) return this.#kept
    const target = this.#session.requireTarget()
    const drafter = currentDrafter(this.#session, this.#settings())
    const { verification } = this.#settings()
    const costs = await this.#costsOf(target, drafter)
    const rates = new Rates()
    const draftLength = liveDraftLength(this.#settings, costs, (block) => rates.observe(block))
    const decoder = new SpeculativeDecoder({ target, drafter: drafter.drafter, draftLength, verification, costs })
    this.#kept = { target, drafter, verification, decoder, figures: () => figuresOf(decoder.metrics, rates) }
    return this.#kept
  }

  /** Counts anew. */
  reset(): void {
    this.#kept = undefined
  }

  async #costsOf(target: PretrainedModel, { drafter, steps }: CurrentDrafter): Promise<StepCosts> {
    const known = this.#costs.get(steps)
    if (known?.target === target) return known.costs
    const decoder = new SpeculativeDecoder({ target, drafter })
    const costs = await this.#session.ledger.stage('measure what steps cost', target.model.device, () =>
      decoder.measureCosts(this.#settings()),
    )
    this.#costs.set(steps, { target, costs })
    return costs
  }
}
