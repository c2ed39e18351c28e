import type { SpeculationMetrics, StepCosts } from '@outrider/speculative'
import type { Prompt, SamplingOptions } from '@outrider/transformer'
import type { Pace } from './pace'

/** A prompt that is answered, and how. */
export interface Asked extends SamplingOptions {
  prompt: Prompt
  maxTokens: number
  signal?: AbortSignal | undefined
}

/** How prompts were answered. */
export interface GroupAnswered {
  pace: Pace
  /** Counts of each answer's blocks, in the order of the prompts; none where they are answered plainly. */
  metrics: readonly SpeculationMetrics[]
  /** What steps cost, where it was measured for them, or known. */
  costs?: StepCosts | undefined
}

/** Called as an answer ends, with the tokens per second until then, and counts of its blocks. */
export type OnEnd = (rate: number, metrics: SpeculationMetrics | undefined) => void

/** Answers prompts of one category: a group of them. */
export type Answering = (category: string, group: readonly Asked[], onEnd: OnEnd) => Promise<GroupAnswered>
