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

/** How fast the target answers alone. */
export async function measurePlain({
  target,
  prompts,
  sampling,
  maxTokens,
  signal,
  onAnswer,
}: MeasureOptions): Promise<Paces> {
  const paces: Paces = new Map()
  for (const [i, { prompt, category }] of prompts.entries()) {
    const options = { ...sampling, seed: (sampling.seed ?? 0) + i, maxTokens, signal }
    const rate = note(paces, category, await finished(generate(target, prompt, options)))
    onAnswer?.({ rate, how: 'plain' })
  }
  return paces
}

/** Two measurements as one. */
export function together(a: Paces, b: Paces): Paces {
  return new Map(
    [...a].map(([name, pace]) => {
      const other = b.get(name)!
      const sum = (key: keyof Pace) => pace[key] + other[key]
      return [name, { answers: sum('answers'), tokens: sum('tokens'), seconds: sum('seconds') }]
    }),
  )
}

/** What speculation did, by category and under `all`. */
export interface Speculation {
  paces: Paces
  metrics: Map<string, SpeculationMetrics>
}

/** How fast the target answers with a draft, and how the draft fares. */
export async function measureSpeculation({
  target,
  prompts,
  sampling,
  maxTokens,
  signal,
  onAnswer,
  draft,
  draftLength,
  verification = 'block',
  costs,
}: MeasureOptions & {
  draft: PretrainedModel
  draftLength: number | 'auto'
  verification?: Verification
  /** What steps cost, where that has been measured. */
  costs?: StepCosts | undefined
}): Promise<Speculation> {
  const paces: Paces = new Map()
  const metrics = new Map<string, SpeculationMetrics>()
  const decoders = new Map<string, SpeculativeDecoder>()
  const decoderOf = (category: string) => {
    let decoder = decoders.get(category)
    if (!decoder) {
      decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength, verification })
      decoder.metrics.costs = costs
      decoders.set(category, decoder)
      metrics.set(category, decoder.metrics)
    }
    return decoder
  }
  for (const [i, { prompt, category }] of prompts.entries()) {
    const answer = decoderOf(category).generate(prompt, {
      ...sampling,
      seed: (sampling.seed ?? 0) + i,
      maxTokens,
      signal,
    })
    const rate = note(paces, category, await finished(answer))
    onAnswer?.({ rate, how: `γ ${draftLength}`, metrics: metrics.get(category)! })
  }
  const whole = new SpeculationMetrics({ parameterRatio: parameterCount(draft.config) / parameterCount(target.config) })
  whole.costs = costs
  for (const part of metrics.values()) whole.add(part)
  metrics.set(all, whole)
  return { paces, metrics }
}

/** Adds an answer to the paces, and gives its own rate. */
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

async function finished<R>(answer: AsyncGenerator<unknown, R>): Promise<R> {
  for (;;) {
    const { done, value } = await answer.next()
    if (done) return value as R
  }
}
