import { type CausalLM, PrefixCache, type Prefixes, type PretrainedModel } from '@outrider/transformer'
import type { Session } from '../session'

/** A tab has less to give than a server. */
const maxBytes = 128 * 2 ** 20

/** What models have read of the conversations in this tab: a turn reads only what is new. */
export class KeptPrefixes {
  readonly #kept = new PrefixCache({ maxBytes })
  #target: PretrainedModel | undefined

  /** For an answer of the models that are there now. */
  of({ target, draft }: Pick<Session, 'target' | 'draft'>): Prefixes {
    if (this.#target !== target) this.#kept.clear()
    this.#target = target
    const all = this.#kept.of()
    if (draft?.origin !== 'trained') return all
    // What a draft in training read before is not what it would read now.
    const isChanging = (model: CausalLM) => model === draft.model.model
    return {
      restore: (model, ...rest) => (isChanging(model) ? 0 : all.restore(model, ...rest)),
      keep: (model, ...rest) => (isChanging(model) ? undefined : all.keep(model, ...rest)),
    }
  }
}
