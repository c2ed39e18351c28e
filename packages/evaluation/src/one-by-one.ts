import { SpeculativeDecoder } from '@outrider/speculative'
import { type CausalLM, generate, type PretrainedModel } from '@outrider/transformer'
import type { Answering } from './answering'
import { type Contender, metricsFor } from './contender'
import { type Pace, paceOf, sumOf, tokensPerSecond } from './pace'

/** Answers prompts plainly, each alone. */
export function plainly(target: PretrainedModel<CausalLM>): Answering {
  return async (_category, group, onEnd) => {
    const paces: Pace[] = []
    for (const { prompt, ...options } of group) {
      const pace = paceOf(await generate(target, prompt, options).result)
      paces.push(pace)
      onEnd(tokensPerSecond(pace), undefined)
    }
    return { pace: sumOf(paces), metrics: [] }
  }
}

/** Answers prompts with a draft, each alone. What chooses draft lengths learns of each category by itself. */
export function drafted(target: PretrainedModel<CausalLM>, contender: Contender): Answering {
  const { draft, draftLength, draftStop, verification = 'block', costs } = contender
  const decoders = new Map<string, SpeculativeDecoder>()
  return async (category, group, onEnd) => {
    const decoder =
      decoders.get(category) ??
      new SpeculativeDecoder({ target, drafter: draft, draftLength, draftStop, verification, costs })
    decoders.set(category, decoder)
    const paces: Pace[] = []
    const counted = group.map(() => metricsFor(contender, target))
    for (const [i, { prompt, ...options }] of group.entries()) {
      const metrics = counted[i]!
      const pace = paceOf(await decoder.generate(prompt, { ...options, metrics }).result)
      paces.push(pace)
      onEnd(tokensPerSecond(pace), metrics)
    }
    return { pace: sumOf(paces), metrics: counted, costs: decoder.costs }
  }
}
