import { OutriderError } from '@outrider/tensor'
import {
  type AnswerEachOptions,
  type AnsweringBatch,
  type AnswerRequest,
  answerEach,
  type BatchAnswer,
  type CausalLM,
  type GenerateOptions,
  modelIdentity,
  type PretrainedModel,
  resolveSampling,
} from '@outrider/transformer'
import type { Target } from '../decoder'
import { declaredCosts } from '../draft-length/declared-costs'
import { draftLengthPolicy } from '../draft-length/policy'
import type { StepCosts } from '../draft-length/step-costs'
import { asDrafter } from '../drafter/as-drafter'
import type { DraftStop } from '../drafter/draft-stop'
import type { Drafter } from '../drafter/drafter'
import { measureCosts } from '../measuring/measure-costs'
import { SpeculationMetrics } from '../metrics'
import { type Verification, verificationRule } from '../verification/by-name'
import { sequenceDraftLength } from './sequence-draft-length'
import { SpeculativeBatch } from './speculative-batch'

/** Sequences side by side, where nothing else is asked for. */
const usualSize = 16

export interface DraftedAnswersOptions {
  /** A model of the target's vocabulary, or anything else that drafts. */
  drafter: Target | Drafter
  /**
   * What names a drafter that is no model, and all that its drafts depend on, as JSON: what is drawn with it is known by it. Of a
   * model it is the weights.
   */
  identity?: object | undefined
  /**
   * γ, 0 to 15. Default 'auto': of a greedy answer, in every step as far as it brings all of them together the most tokens a second,
   * by the clock; of a sampled one by what was accepted in it, and by the sizes of the batch and of the models and the kind of
   * adapter, so that the same seed gives it again.
   */
  draftLength?: number | 'auto' | undefined
  /** Where drafts of a model end before their length. Default nowhere. */
  draftStop?: DraftStop | 'auto' | undefined
  /** Default 'block'. */
  verification?: Verification | undefined
  /** What steps of a single sequence cost. Default measured, where it is needed, before the first answer. */
  costs?: StepCosts | undefined
}

/** Answers many requests with a draft: what `generateDataset` of `@outrider/dataset` takes as `draft`. */
export interface DraftedAnswers {
  /**
   * All that a sampled answer depends on, beside the target, the request and its seed, as JSON: with γ 'auto' also how many are answered
   * side by side, 16 by default.
   */
  identity(target: PretrainedModel<CausalLM>, options?: Pick<AnswerEachOptions, 'size'>): Promise<object>
  /**
   * Answers requests side by side, as `answerEach` does. A greedy answer has the bits that it has without a draft; a sampled one has
   * the target's distribution, and is the one that its seed gives with this draft, whoever else is answered.
   *
   * @throws OutriderError as `answerEach` does; VOCABULARY_MISMATCH for a draft with other tokens than the target's
   */
  answerEach<R extends AnswerRequest>(
    target: PretrainedModel<CausalLM>,
    requests: Iterable<R>,
    options?: Pick<AnswerEachOptions, 'size' | 'onTokens' | 'signal'>,
  ): AsyncGenerator<{ request: R; answer: BatchAnswer }, void, undefined>
  /**
   * Counts over the answers that have ended, and the seconds of steps, which all share; undefined before the first request. They know
   * no costs: what a step of a batch takes is not what that of a single sequence does.
   */
  readonly metrics: SpeculationMetrics | undefined
}

/**
 * Answers many requests at once with a draft, in a `SpeculativeBatch`. Models stay the caller's to dispose of.
 *
 * @throws OutriderError INVALID_ARGUMENT for a γ out of range, and for a drafter that is no model and has no `identity`
 */
export function draftedAnswers({
  drafter,
  identity,
  draftLength = 'auto',
  draftStop,
  verification = 'block',
  costs: given,
}: DraftedAnswersOptions): DraftedAnswers {
  if (draftLength !== 'auto') draftLengthPolicy(draftLength, '"auto"')
  if ('open' in drafter && !identity)
    throw new OutriderError('INVALID_ARGUMENT', `Nothing says what ${drafter.name} drafts with.`, {
      remedy: 'Give an identity: what names it, and all that its drafts depend on.',
    })
  const rule = verificationRule(verification)
  const stops = draftStop === 'auto'
  const goesByCosts = draftLength === 'auto' || stops
  let metrics: SpeculationMetrics | undefined

  const parameterRatioOf = (target: Target) => asDrafter(target, drafter).parameterCount / target.model.parameterCount
  /** For answers that are to repeat themselves: what the clock says is never the same. */
  const fixedCostsOf = (target: Target, sequences: number) =>
    declaredCosts({ parameterRatio: parameterRatioOf(target), isSoftware: target.model.device.isSoftware, sequences })
  const measuredCostsOf = (target: Target, signal: AbortSignal | undefined) =>
    measureCosts({
      target: target.model,
      drafter: asDrafter(target, drafter),
      sampling: resolveSampling(),
      verification: rule,
      stops: draftStop !== undefined,
      signal,
    })

  return {
    get metrics() {
      return metrics
    },
    async identity(target, { size = usualSize } = {}) {
      return {
        drafter: identity ?? ('open' in drafter ? {} : await modelIdentity(drafter)),
        ...{ draftLength, draftStop, verification: rule.name },
        ...(goesByCosts && { costs: fixedCostsOf(target, size) }),
      }
    },
    async *answerEach(target, requests, { size = usualSize, onTokens, signal } = {}) {
      const measured = given ?? (goesByCosts ? await measuredCostsOf(target, signal) : undefined)
      const batch = new SpeculativeBatch({ target, drafter, verification: rule, size, draftStop, costs: measured })
      const fixedCosts = fixedCostsOf(target, size)
      const lengthOf = ({ temperature = 0 }: GenerateOptions) =>
        sequenceDraftLength(draftLength, { repeats: temperature > 0, stops, costs: measured, fixedCosts })
      metrics ??= new SpeculationMetrics({ parameterRatio: parameterRatioOf(target) })
      const total = metrics
      const answering: AnsweringBatch = {
        get count() {
          return batch.count
        },
        fits: (tokens) => batch.fits(tokens),
        join: (prompt, request) => batch.join(prompt, { ...request, draftLength: lengthOf(request) }),
        dispose: () => batch.dispose(),
        async step() {
          const began = performance.now()
          const blocks = await batch.step()
          // A step's seconds are all sequences' together.
          const seconds = total.seconds + (performance.now() - began) / 1000
          for (const { sequence, finishReason } of blocks) if (finishReason) total.add(sequence.metrics)
          total.seconds = seconds
          return blocks
        },
      }
      yield* answerEach(target, requests, { batch: answering, onTokens, signal })
    },
  }
}
