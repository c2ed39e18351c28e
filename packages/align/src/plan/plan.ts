import type { ModelIdentity } from '@outrider/transformer'
import type { DraftShape } from '../look/draft-shape'
import type { Look } from '../look/look'

/** The stages of a run, in their order; all but the first have the names of the commands that do them alone. */
export const stages = ['look', 'generate', 'pretrain', 'distill', 'evaluate'] as const
export type Stage = (typeof stages)[number]

/**
 * What a run does, step by step: made once, of what was measured and asked for, and then followed. Nothing that decides the
 * answers, the weights or the tokenizer depends on the clock after it is written.
 */
export interface Plan {
  target: PlannedTarget
  asked: Asked
  look: Look
  /** The kernels that tuning chose on the look's adapter, which the run goes on with; of older versions nothing is recorded. */
  kernels?: Readonly<Record<string, string>> | undefined
  /** Conversations, or continuations of text where the target has no chat template. */
  kind: 'chat' | 'text'
  draft: DraftShape
  /** γ, tokens drafted for a block. */
  draftLength: number
  generate: {
    /** Instructions of the user, how many of them are held out, and at which temperatures the others are answered. */
    given: number
    givenHeldOut: number
    temperatures: number[]
    /** Instructions besides, those held out, and whether the target writes them itself or they are openings of ours. */
    written: number
    writtenBy: 'target' | 'openings'
    writtenHeldOut: number
    maxTokens: number
    topP: number
    batchSize: number
  }
  pretrain: TrainingPlan
  distill: {
    phases: (Pick<TrainingPlan, 'steps' | 'learningRate'> & { loss: string })[]
    batchSize: number
    length: number
    validateEvery: number
    /** Validations without a better one, after which a phase ends. */
    patience: number
  }
  evaluate: { prompts: number; maxTokens: number; temperatures: number[] }
  /** What each stage is expected to take. */
  seconds: Record<Stage, number>
}

export interface TrainingPlan {
  steps: number
  learningRate: number
  batchSize: number
  length: number
}

export interface PlannedTarget {
  name: string
  identity: ModelIdentity | EndpointIdentity
  /** Of its tokenizer. */
  fingerprint: string
}

/** What decides what comes of a target that is elsewhere. */
export interface EndpointIdentity {
  /** The model's name there. */
  endpoint: string
  /** Tokens a place that it says its probabilities of. */
  topTokens: number
  /** Whether the draft begins with the target's embedding. */
  hasEmbedding: boolean
  /** A hash of the target's configuration. */
  config: string
}

/** What the engine says of a target that is elsewhere; undefined of one that is here. */
export const elsewhereOf = ({ identity }: Pick<PlannedTarget, 'identity'>): EndpointIdentity | undefined =>
  'endpoint' in identity ? identity : undefined

/** What the user asked for. */
export interface Asked {
  budgetSeconds: number
  seed: number
  losses: string[]
  /** A hash of the instructions; null where there were none. */
  seeds: string | null
  /** Whether text was given. */
  text: boolean
}
