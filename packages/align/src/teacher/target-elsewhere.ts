import type { ContinuingTarget, EndpointTarget, ScoringTarget } from '@outrider/dataset'
import type { Device } from '@outrider/tensor'
import type { OpenedModel, PretrainedModel, SpeakerFiles } from '@outrider/transformer'

/**
 * A target that an engine has elsewhere: answers, and what is thought of each of their tokens, come from there; here it is its
 * tokenizer, template and configuration (`openSpeaker` of `@outrider/transformer`).
 */
export interface TargetElsewhere extends SpeakerFiles {
  readonly kind: 'endpoint'
  /** Made with this tokenizer (`openAiTarget({ tokenizer })`), so that one that is not the engine's is refused. */
  readonly endpoint: EndpointTarget & ScoringTarget & ContinuingTarget
  /** Where the draft is trained. */
  readonly device: Device
  /** Tokens a place that it says its probabilities of. Default 20, the most of a vLLM that is started without --max-logprobs. */
  readonly topTokens?: number | undefined
  /** The most that is asked for at once. Default 16. */
  readonly concurrency?: number | undefined
  /** Instructions that it may refuse; they are left out. Default 0. */
  readonly maxFailed?: number | undefined
  /** The target's weights, where they are at hand (`openCausalLM`): their embedding is read, for the draft to begin with. */
  readonly weights?: OpenedModel['weights'] | undefined
}

/** Who is aligned with: loaded here, or elsewhere. */
export type AlignTarget = PretrainedModel | TargetElsewhere

export const isElsewhere = (target: AlignTarget): target is TargetElsewhere => 'kind' in target

export const usualTopTokens = 20
