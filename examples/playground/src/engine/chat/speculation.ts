import {
  declaredCosts,
  type SpeculationFigures,
  SpeculativeDecoder,
  type StepCosts,
  type VerificationName,
} from '@outrider/speculative'
import { madeUpTokens, type PretrainedModel } from '@outrider/transformer'
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

  /** The decoder for what is there now. Until costs of a pair were measured, they are as models of such sizes usually have them. */
  now(): Speculation {
    if (this.#kept && !this.changed) return this.#kept
    const target = this.#session.requireTarget()
    const drafter = currentDrafter(this.#session, this.#settings())
    const { verification } = this.#settings()
    const measured = () => this.#measured(target, drafter)
    const usual = usualCosts(target, drafter)
    const rates = new Rates()
    const draftLength = liveDraftLength(
      this.#settings,
      () => measured() ?? usual,
      (block) => rates.observe(block),
    )
    const decoder = new SpeculativeDecoder({ target, drafter: drafter.drafter, draftLength, verification })
    const figures = () => figuresOf(decoder.metrics.withCosts(measured()), rates)
    this.#kept = { target, drafter, verification, decoder, figures }
    return this.#kept
  }

  /**
   * Compiles what an answer needs first: a prompt, the token after it, and a block.
   *
   * @throws OutriderError ABORTED; NOT_FINITE where logits are no numbers
   */
  async compile(signal: AbortSignal): Promise<void> {
    const target = this.#session.requireTarget()
    const { drafter } = currentDrafter(this.#session, this.#settings())
    const { temperature, topP, topK, verification } = this.#settings()
    const { vocabularySize, contextLength } = target.config
    const decoder = new SpeculativeDecoder({ target, drafter, draftLength: compiled.draftLength, verification })
    const maxTokens = 2 + compiled.draftLength
    const prompt = madeUpTokens(Math.max(1, Math.min(compiled.prompt, contextLength - maxTokens)), vocabularySize)
    await this.#session.ledger.stage('compile for the first answer', target.model.device, async () => {
      let blocks = 0
      for await (const _ of decoder.generate(prompt, { temperature, topP, topK, maxTokens, signal }))
        if (++blocks === 2) break
    })
  }

  /**
   * Measures what steps cost, unless that is known. Gives whether it was measured now.
   *
   * @throws OutriderError ABORTED, and then nothing is known; NOT_FINITE
   */
  async measure(signal: AbortSignal): Promise<boolean> {
    const target = this.#session.requireTarget()
    const drafter = currentDrafter(this.#session, this.#settings())
    if (this.#measured(target, drafter)) return false
    const decoder = new SpeculativeDecoder({ target, drafter: drafter.drafter })
    const costs = await this.#session.ledger.stage('measure what steps cost', target.model.device, () =>
      decoder.measureCosts({ ...this.#settings(), signal }),
    )
    this.#costs.set(drafter.steps, { target, costs })
    return true
  }

  /** Counts anew. */
  reset(): void {
    this.#kept = undefined
  }

  #measured(target: PretrainedModel, { steps }: CurrentDrafter): StepCosts | undefined {
    const known = this.#costs.get(steps)
    return known?.target === target ? known.costs : undefined
  }
}

/** What is compiled ahead: longer prompts have the same kernels, but for those of sequences that are read in parts. */
const compiled = { prompt: 17, draftLength: 4 }

function usualCosts({ model }: PretrainedModel, { drafter }: CurrentDrafter): StepCosts {
  const { parameterCount } = 'open' in drafter ? drafter : drafter.model
  return declaredCosts({
    parameterRatio: parameterCount / model.parameterCount,
    isSoftware: model.device.isSoftware,
  })
}
