import { SpeculationMetrics, SpeculativeDecoder, type StepCosts, type Verification } from '@outrider/speculative'
import {
  type GenerationResult,
  generate,
  type PretrainedModel,
  type Prompt,
  parameterCount,
  type SamplingOptions,
} from '@outrider/transformer'

/** A prompt to measure on, and the kind of task it stands for. */
export interface MeasuredPrompt {
  prompt: Prompt
  /** The prompt as people read it. */
  shown: string
  category: string
}

export interface MeasureOptions {
  target: PretrainedModel
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

/** Tokens after the first of each answer, and the seconds that they took. */
export interface Pace {
  answers: number
  tokens: number
  seconds: number
}

/** Paces by category; that of all is under `all`. */
export type Paces = Map<string, Pace>

export const all = 'all'

/** A draft, and how it is used. */
export interface Contender {
  draft: PretrainedModel
  draftLength: number | 'auto'
  verification?: Verification
  /** What steps cost, where that has been measured. */
  costs?: StepCosts | undefined
}

/** What speculation did, by category and under `all`. */
export interface Speculation {
  paces: Paces
  metrics: Map<string, SpeculationMetrics>
}

/**
 * How fast the target answers alone and with each contender, and how the drafts fare. A prompt is answered by all of them in
 * turn before the next one is: a machine's speed drifts, and what slows it must slow them all.
 */
export async function measureInTurns(
  { target, prompts, sampling, maxTokens, signal, onAnswer }: MeasureOptions,
  contenders: readonly Contender[],
): Promise<{ plain: Paces; speculations: Speculation[] }> {
  const plain: Paces = new Map()
  const running = contenders.map((contender) => ({ contender, ...begun(target, contender) }))
  for (const [i, { prompt, category }] of prompts.entries()) {
    const options = { ...sampling, seed: (sampling.seed ?? 0) + i, maxTokens, signal }
    onAnswer?.({ rate: note(plain, category, await generate(target, prompt, options).result), how: 'plain' })
    for (const { contender, paces, decoderOf } of running) {
      const decoder = decoderOf(category)
      const rate = note(paces, category, await decoder.generate(prompt, options).result)
      onAnswer?.({ rate, how: `γ ${contender.draftLength}`, metrics: decoder.metrics })
    }
  }
  const speculations = running.map(({ contender: { draft, costs }, paces, decoders }) => {
    const parameterRatio = parameterCount(draft.config) / parameterCount(target.config)
    const whole = new SpeculationMetrics({ parameterRatio })
    whole.costs = costs
    const metrics = new Map([...decoders].map(([category, decoder]) => [category, decoder.metrics]))
    for (const part of metrics.values()) whole.add(part)
    return { paces, metrics: metrics.set(all, whole) }
  })
  return { plain, speculations }
}

/** A decoder for each category, so that each counts by itself. */
function begun(target: PretrainedModel, { draft, draftLength, verification = 'block', costs }: Contender) {
  const decoders = new Map<string, SpeculativeDecoder>()
  const decoderOf = (category: string) => {
    let decoder = decoders.get(category)
    if (!decoder) {
      decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength, verification })
      decoder.metrics.costs = costs
      decoders.set(category, decoder)
    }
    return decoder
  }
  return { paces: new Map() as Paces, decoders, decoderOf }
}

function note(paces: Paces, category: string, { tokens, timings }: GenerationResult): number {
  for (const name of new Set([category, all])) {
    const pace = paces.get(name) ?? { answers: 0, tokens: 0, seconds: 0 }
    pace.answers++
    pace.tokens += tokens.length - 1
    pace.seconds += timings.decodeSeconds
    paces.set(name, pace)
  }
  return tokensPerSecond({ answers: 1, tokens: tokens.length - 1, seconds: timings.decodeSeconds })
}

export const tokensPerSecond = (pace: Pace | undefined): number =>
  pace && pace.seconds > 0 ? pace.tokens / pace.seconds : 0
