import {
  type Drafter,
  type DraftStop,
  SpeculationMetrics,
  SpeculativeDecoder,
  type StepCosts,
  type Verification,
} from '@outrider/speculative'
import {
  type CausalLM,
  type Generation,
  generate,
  type PretrainedModel,
  type Prompt,
  type SamplingOptions,
} from '@outrider/transformer'
import { allTasks, type EvaluationFigures, figuresOf } from './figures'
import { Paces, paceOf, tokensPerSecond } from './pace'

/** A prompt to measure on, and the kind of task it stands for. */
export interface MeasuredPrompt {
  prompt: Prompt
  /** The prompt as people read it. */
  shown: string
  category: string
}

export interface MeasureOptions {
  target: PretrainedModel<CausalLM>
  prompts: readonly MeasuredPrompt[]
  /** The seed of a prompt is this one's plus the prompt's number. */
  sampling: SamplingOptions
  maxTokens: number
  signal?: AbortSignal | undefined
  /** Called after each answer. */
  onAnswer?: ((answer: Answered) => void) | undefined
}

/** An answer that was measured. */
export interface Answered {
  /** Tokens per second after its first token. */
  rate: number
  /** 'plain', or the draft length. */
  how: string
  /** Counts so far of the answers with this draft length to prompts of its category. */
  metrics?: SpeculationMetrics
}

/** A draft, and how it is used. */
export interface Contender {
  /** A model, or anything else that drafts. */
  draft: PretrainedModel<CausalLM> | Drafter
  draftLength: number | 'auto'
  /** Where its drafts end early. */
  draftStop?: DraftStop | 'auto' | undefined
  /** Default 'block'. */
  verification?: Verification
  /** What steps cost, where that has been measured. */
  costs?: StepCosts | undefined
}

/**
 * How fast the target answers alone and with each contender, and how the drafts fare. A prompt is answered by all of them in
 * turn before the next one is: a machine's speed drifts, and what slows it must slow them all.
 *
 * @returns of each contender, its figures by category, in the order in which prompts have them, and under `allTasks`
 * @throws OutriderError what decoding throws
 */
export async function measureInTurns(
  { target, prompts, sampling, maxTokens, signal, onAnswer }: MeasureOptions,
  contenders: readonly Contender[],
): Promise<Map<string, EvaluationFigures>[]> {
  const plain = new Paces()
  const running = contenders.map((contender) => ({ contender, ...begun(target, contender) }))
  for (const [i, { prompt, category }] of prompts.entries()) {
    const options = { ...sampling, seed: (sampling.seed ?? 0) + i, maxTokens, signal }
    const note = async (paces: Paces, { result }: Generation<unknown>) => {
      const pace = paceOf(await result)
      paces.add([category, allTasks], pace)
      return tokensPerSecond(pace)
    }
    const plainRate = await note(plain, generate(target, prompt, options))
    onAnswer?.({ rate: plainRate, how: 'plain' })
    for (const { contender, paces, decoderOf } of running) {
      const decoder = decoderOf(category)
      const rate = await note(paces, decoder.generate(prompt, options))
      onAnswer?.({ rate, how: `γ ${contender.draftLength}`, metrics: decoder.metrics })
    }
  }
  return running.map(({ contender: { draft, costs }, paces, decoders }) => {
    const whole = new SpeculationMetrics({
      parameterRatio: ('open' in draft ? draft : draft.model).parameterCount / target.model.parameterCount,
      costs,
    })
    for (const { metrics } of decoders.values()) whole.add(metrics)
    const counted = [...decoders].map(([category, { metrics }]) => [category, metrics] as const)
    return new Map(
      [...counted, [allTasks, whole] as const].map(([category, metrics]) => [
        category,
        figuresOf(metrics, plain.get(category), paces.get(category)),
      ]),
    )
  })
}

/** A decoder for each category, so that each counts by itself. */
function begun(
  target: PretrainedModel<CausalLM>,
  { draft, draftLength, draftStop, verification = 'block', costs }: Contender,
) {
  const decoders = new Map<string, SpeculativeDecoder>()
  const decoderOf = (category: string) => {
    let decoder = decoders.get(category)
    if (!decoder) {
      decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength, draftStop, verification, costs })
      decoders.set(category, decoder)
    }
    return decoder
  }
  return { paces: new Paces(), decoders, decoderOf }
}
