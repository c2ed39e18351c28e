import type { CausalLM, PrefixCache, Prefixes } from '@outrider/transformer'

/**
 * What a target has read of prompts, for those who answer one in many ways. What drafts read of it is not shared: they do so behind
 * the first token, so it belongs to what each of them takes.
 */
export function prefixesOf(target: CausalLM, cache: PrefixCache): Prefixes {
  const all = cache.of()
  return {
    restore: (model, ...rest) => (model === target ? all.restore(model, ...rest) : 0),
    keep: (model, ...rest) => {
      if (model === target) all.keep(model, ...rest)
    },
  }
}
