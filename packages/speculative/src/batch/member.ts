import type { Tensor } from '@outrider/tensor'
import {
  Answer,
  type CachedSequence,
  checkedCount,
  checkPrompt,
  LogitsProcessor,
  resolveSampling,
  type Sampling,
} from '@outrider/transformer'
import { AnswerBlocks } from '../answer-blocks'
import type { Target } from '../decoder'
import type { DraftLengthPolicy } from '../draft-length/policy'
import type { Drafter, DraftSession } from '../drafter/drafter'
import type { DraftsTogether } from '../drafter/drafts-together'
import { withForcedText } from '../drafter/forced-text'
import { SpeculationMetrics } from '../metrics'
import type { SpeculativeJoinOptions, SpeculativeSequence } from './speculative-sequence'

/** A sequence of a batch, with all that is known of it. */
export interface Member extends SpeculativeSequence, CachedSequence {
  readonly sampling: Sampling
  readonly processor: LogitsProcessor | undefined
  readonly scores: number | undefined
  /** Undefined where the scheduler chooses. */
  readonly policy: DraftLengthPolicy | undefined
  readonly drafter: Drafter
  /** Whether it is likely to be drafted for, so that its drafter is to read the prompt. */
  readonly mayDraft: () => boolean
  /** One that has nothing to say, once the device had no memory for a draft. */
  session: DraftSession
  readonly blocks: AnswerBlocks
  /** Prompt and answer so far: the target has read all but the last. */
  readonly tokens: number[]
  cachedTokens: number
  /** Steps so far. */
  steps: number
  /** Before its first token: the logits that the prompt's pass left for it, f32 [1, V]. */
  first: Tensor | undefined
}

interface Opening extends Pick<Member, 'policy' | 'drafter' | 'mayDraft'> {
  options: SpeculativeJoinOptions
  together: DraftsTogether
  /** Throws where a sequence of so many tokens, prompt and answer, has no room. */
  assertFits: (places: number) => void
}

/** @throws what `SpeculativeBatch.join` throws for what is asked */
export function openMember(
  target: Target,
  prompt: readonly number[],
  { options, policy, drafter: asked, together, mayDraft, assertFits }: Opening,
): Member {
  const { maxTokens = 256, stop, logProbabilities, constraint, prefixes, ...drawing } = options
  const { config, tokenizer, generationConfig, model } = target
  checkPrompt(config, prompt)
  const sampling = resolveSampling(drawing)
  const scores = checkedCount(logProbabilities)
  const room = Math.min(maxTokens, config.contextLength - prompt.length)
  const places = prompt.length + room
  assertFits(places)
  const { vocabularySize } = config
  const { eosTokenIds } = generationConfig
  const answer = new Answer(tokenizer, { prompt, eosTokenIds, stop, maxTokens: room })
  const processor = LogitsProcessor.of(target, { sampling, prompt, constraint })
  const drafter = withForcedText(asked, processor)
  try {
    return {
      ...{ answer, sampling, processor, scores, policy, places, drafter, mayDraft },
      promptTokens: prompt.length,
      cachedTokens: 0,
      slot: -1,
      blocks: new AnswerBlocks(answer),
      metrics: new SpeculationMetrics({ parameterRatio: drafter.parameterCount / model.parameterCount }),
      tokens: [...prompt],
      steps: 0,
      first: undefined,
      // Under a constraint each token is waited for, for which the others do not.
      session: drafter.open({
        device: model.device,
        vocabularySize,
        capacity: places,
        prefixes,
        together: processor?.isConstrained ? undefined : together,
      }),
    }
  } catch (error) {
    processor?.dispose()
    throw error
  }
}

/** Frees what a sequence holds beside its place in the batch. */
export function release({ first, processor, session }: Member): void {
  first?.dispose()
  processor?.dispose()
  session.dispose()
}

/** Drafts no more for a sequence, and frees what that takes: it goes on plainly, to the same distribution. */
export function silence(member: Member): void {
  member.session.dispose()
  member.session = silent
}

const silent: DraftSession = { offers: () => [], draft: () => null, keep() {}, dispose() {} }
