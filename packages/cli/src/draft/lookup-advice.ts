import { declaredCosts, LookupGain, type StepCosts } from '@outrider/speculative'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import type { OpenDraft } from './open-draft'

/** What is worth a word: against plain decoding, and against a draft, of which it is not known what it gains. */
const leastGain = { plain: 1.1, draft: 1.5 }

export interface Advice {
  what: string
  flag: string
}

/** Says once that looking up would pay, where it was not asked for. No model runs for it. */
export class LookupAdvice {
  readonly #draft: OpenDraft | undefined
  readonly #gain: LookupGain
  #said = false

  /** @param options.costs  where passes were measured; else what is declared of the kind of adapter */
  constructor(
    target: PretrainedModel<CausalLM>,
    { draft, costs }: { draft: OpenDraft | undefined; costs?: StepCosts | undefined },
  ) {
    const { isSoftware } = target.model.device
    this.#draft = draft
    this.#gain = new LookupGain({ costs: costs ?? declaredCosts({ parameterRatio: 0, isSoftware }) })
    this.#said = draft?.lookup ?? false
  }

  /**
   * Counts an answer that was given without looking up.
   *
   * @returns what is to be said, once, and what is to be typed
   */
  after({ prompt, tokens }: { prompt: readonly number[]; tokens: readonly number[] }): Advice | undefined {
    if (this.#said) return undefined
    this.#gain.add(prompt, tokens)
    const { speedUp } = this.#gain
    if (speedUp === null || speedUp < (this.#draft ? leastGain.draft : leastGain.plain)) return undefined
    this.#said = true
    const name = this.#draft?.name
    return {
      what: `Looking up what was said would make such answers about ${speedUp.toFixed(1)} times as fast as no draft`,
      flag: name === undefined ? '--draft lookup' : `--draft lookup+${name}`,
    }
  }
}
