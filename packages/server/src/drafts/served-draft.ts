import type { Drafter } from '@outrider/speculative'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'

/** A draft that was loaded while a server runs. */
export interface LoadedDraft {
  /** A small model of the target's vocabulary, or anything else that drafts. */
  drafter: PretrainedModel<CausalLM> | Drafter
  /** What drafts for a request with a seed. Default `drafter`. */
  reproducibleDrafter?: PretrainedModel<CausalLM> | Drafter | undefined
  /** Frees it; called once, when nothing drafts with it any more. */
  dispose(): void
}

/**
 * Loads the draft of a name that was asked for. Whether the name may be asked for is its to say: a name comes from whoever has a key.
 *
 * @throws whatever is wrong with it, as an `OutriderError`: who asked is told
 */
export type LoadDraft = (name: string, options: { signal: AbortSignal }) => Promise<LoadedDraft>

/** The models of what drafts, of which keys and values may be kept. */
export const modelsOf = (drafter: LoadedDraft['drafter']): readonly CausalLM[] =>
  'open' in drafter ? (drafter.models ?? []) : [drafter.model]
