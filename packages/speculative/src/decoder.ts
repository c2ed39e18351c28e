import { OutriderError } from '@outrider/tensor'
import {
  Answer,
  type CausalLM,
  checkedCount,
  type GenerateOptions,
  type Generation,
  type GenerationResult,
  generation,
  LogitsProcessor,
  type PretrainedModel,
  type Prompt,
  promptTokens,
  resolveSampling,
  type Sampling,
  type SamplingOptions,
  throwIfAborted,
  type WarmUpOptions,
} from '@outrider/transformer'
import { AnswerBlocks } from './answer-blocks'
import type { Block } from './block'
import { autoDraftLength } from './draft-length/auto'
import { declaredCosts } from './draft-length/declared-costs'
import { type DraftChoice, type DraftLengthPolicy, draftLengthPolicy, maxDraftLength } from './draft-length/policy'
import { type StepCosts, skipsPay } from './draft-length/step-costs'
import { asDrafter } from './drafter/as-drafter'
import { checkedStop, type DraftStop } from './drafter/draft-stop'
import type { Drafter } from './drafter/drafter'
import type { MeasuringOptions } from './measuring/in-turns'
import { measureCosts } from './measuring/measure-costs'
import { SpeculationMetrics } from './metrics'
import { Sequence } from './sequence'
import { type Verification, verificationRule } from './verification/by-name'
import type { VerificationRule } from './verification/rule'
import { warmUpBlocks } from './warm-up'

/** What a target needs beside its model: what `loadCausalLM` returns has it all. */
export type Target = Omit<PretrainedModel<CausalLM>, 'dispose'>

export interface SpeculativeDecoderOptions {
  target: Target
  /** A small model of the same vocabulary (padding aside), or anything else that drafts. */
  drafter: Target | Drafter
  /**
   * γ, 0 to 15, or a policy; 'auto' measures costs and acceptance, and decodes plainly where that is faster. For an answer that
   * is to repeat itself (see `reproducible`) it looks at no clock. Default 'auto'.
   */
  draftLength?: number | 'auto' | DraftLengthPolicy
  /**
   * Where drafts of a model end before their length; of other drafters those whose offers say that they `stop`. Default nowhere.
   * 'auto' asks for it where costs and acceptance say so, as long as that brings more tokens a second: never where a step that is
   * left out costs as much as one that is run, as it does for a small model on a processor.
   */
  draftStop?: DraftStop | 'auto' | undefined
  /** What steps cost, where it is known; then nothing is measured. Answers that are to repeat themselves depend on it. */
  costs?: StepCosts | undefined
  /** A rule by its name, or one of your own (`defineVerification`). Default 'block': never fewer tokens than 'token'. */
  verification?: Verification
  /** Seconds, for measuring. Default the system's clock. */
  now?: () => number
}

export interface SpeculativeGenerateOptions extends GenerateOptions {
  /** Counts this answer too, beside the decoder's own: the figures of one answer. */
  metrics?: SpeculationMetrics | undefined
  /**
   * Whether the same seed must give the same tokens again, at another time and under another load. With `draftLength: 'auto'` γ
   * follows then from what was accepted in this answer, and from the decoder's `costs` or, without them, from the sizes of the
   * models and the kind of adapter. A greedy answer repeats itself in any case. Default whether `seed` is given.
   */
  reproducible?: boolean | undefined
}

const defaultMaxTokens = 256

/**
 * Speculative decoding (Leviathan et al. 2023, Chen et al. 2023, Sun et al. 2025): the drafter proposes, the target
 * verifies in one pass, and what comes out has exactly the target's distribution; greedy output is the plain one token by
 * token. Models stay the caller's to dispose of.
 */
export class SpeculativeDecoder {
  readonly #target: Target
  readonly #drafter: Drafter
  readonly #verification: VerificationRule
  readonly #now: () => number
  readonly #longestDraft: number
  readonly #counted: SpeculationMetrics
  /** Those that were given, and those that it has measured itself. */
  readonly #givenCosts: StepCosts | undefined
  #measuredCosts: StepCosts | undefined
  readonly #stop: DraftStop | 'auto' | undefined
  readonly #draftLength: number | 'auto' | DraftLengthPolicy
  /** The one that was given, where nothing is left to be chosen by costs. */
  readonly #policy: DraftLengthPolicy | undefined
  /** Learns from all answers that need not repeat themselves. */
  #clockPolicy: DraftLengthPolicy | undefined

  /**
   * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens than the target's; INVALID_ARGUMENT for a draft
   *   length or stop out of range, or models on two devices
   */
  constructor({
    target,
    drafter,
    draftLength = 'auto',
    draftStop,
    costs,
    verification = 'block',
    now = () => performance.now() / 1000,
  }: SpeculativeDecoderOptions) {
    this.#target = target
    this.#stop = draftStop === 'auto' ? 'auto' : checkedStop(draftStop)
    this.#draftLength = draftLength
    this.#drafter = asDrafter(target, drafter)
    this.#verification = verificationRule(verification)
    this.#now = now
    this.#policy = policyOf(draftLength, this.#stop)
    this.#longestDraft = typeof draftLength === 'number' ? draftLength : maxDraftLength
    this.#givenCosts = costs
    this.#counted = new SpeculationMetrics({
      parameterRatio: this.#drafter.parameterCount / target.model.parameterCount,
    })
  }

  /** Counts over everything that this decoder has generated until now, by its `costs`. */
  get metrics(): SpeculationMetrics {
    return this.#counted.withCosts(this.costs)
  }

  /** What steps cost: as measured last, or else as given. */
  get costs(): StepCosts | undefined {
    return this.#measuredCosts ?? this.#givenCosts
  }

  /**
   * Generates an answer, block by block, and whole as `result`. Stopping the iteration frees its memory; so does aborting, and the decoder is as
   * usable as before. With `draftLength: 'auto'` the first call whose γ may depend on the clock measures costs.
   *
   * @throws OutriderError as `promptTokens` and `resolveSampling` do; ABORTED when the signal says so; NOT_FINITE where the
   *   logits of target or draft are no numbers
   */
  generate(prompt: Prompt, options: SpeculativeGenerateOptions = {}): Generation<Block> {
    return generation(this.#blocks(prompt, options))
  }

  async *#blocks(
    prompt: Prompt,
    {
      maxTokens = defaultMaxTokens,
      stop,
      signal,
      metrics,
      logProbabilities,
      reproducible,
      constraint,
      prefixes,
      ...options
    }: SpeculativeGenerateOptions,
  ): AsyncGenerator<Block, GenerationResult, undefined> {
    const { model, tokenizer, config, generationConfig } = this.#target
    const sampling = resolveSampling(options)
    const ids = promptTokens(this.#target, prompt)
    const answer = new Answer(tokenizer, {
      prompt: ids,
      eosTokenIds: generationConfig.eosTokenIds,
      stop,
      maxTokens: Math.min(maxTokens, config.contextLength - ids.length),
    })
    throwIfAborted(signal)
    // A greedy answer is the same whatever is drafted.
    const repeats = (reproducible ?? options.seed !== undefined) && sampling.temperature > 0
    const policy = await this.#lengthPolicy(sampling, repeats, signal)
    const started = this.#now()
    const sequence = new Sequence({
      target: model,
      drafter: this.#drafter,
      verification: this.#verification,
      sampling,
      processor: LogitsProcessor.of(this.#target, { sampling, prompt: ids, constraint }),
      prompt: ids,
      capacity: ids.length + answer.room,
      logProbabilities: checkedCount(logProbabilities),
      prefixes,
    })
    const blocks = new AnswerBlocks(answer)
    let firstToken = started
    let lastToken = started
    try {
      for (let first = true; answer.room > 0; first = false) {
        throwIfAborted(signal)
        const begin = this.#now()
        // A block adds one token more than it drafts.
        const choice = first ? null : policy.next(sequence.offers(Math.min(this.#longestDraft, answer.room - 1)))
        const step = await sequence.step(choice && { ...choice, ...this.#ending(choice) })
        const end = this.#now()
        throwIfAborted(signal)
        const offer = choice && step.drafted > 0 ? choice.offer : undefined
        const block = blocks.add(step, offer?.source)
        if (first) firstToken = end
        else {
          // From token to token, as the timings of the answer count, so that both give one rate.
          const chosen = offer && { stop: choice!.stop, skips: this.#skips }
          const record = { ...step, offer, ...chosen, delivered: block.tokens.length, seconds: end - lastToken }
          this.#counted.record(record)
          metrics?.record(record)
          policy.observe({ ...record, seconds: end - begin })
        }
        lastToken = end
        yield block
      }
      const { tokens, text, finishReason } = answer
      const timings = { promptSeconds: firstToken - started, decodeSeconds: lastToken - firstToken }
      return {
        tokens,
        text,
        finishReason: finishReason!,
        promptTokens: ids.length,
        cachedTokens: sequence.cachedTokens,
        timings,
      }
    } finally {
      sequence.dispose()
    }
  }

  /**
   * Compiles what blocks need before the first token: passes over made-up tokens, of the target, of the drafter, and of
   * verification, for every draft length that has kernels of its own. It frees all the memory it takes.
   *
   * @param options  the sampling that will be used
   * @throws OutriderError ABORTED when the signal says so
   */
  warmUp(options: WarmUpOptions = {}): Promise<void> {
    return warmUpBlocks(
      {
        target: this.#target,
        drafter: this.#drafter,
        verification: this.#verification,
        longestDraft: this.#longestDraft,
        stop: this.#stop === 'auto' ? { confidence: 0.5 } : this.#stop,
      },
      options,
    )
  }

  /**
   * Measures what steps cost, for `metrics`, for the break-even α, and as the option `costs` of other decoders.
   *
   * @throws OutriderError ABORTED when the signal says so
   */
  async measureCosts({
    signal,
    inTurn,
    ...options
  }: SamplingOptions & Pick<MeasuringOptions, 'signal' | 'inTurn'> = {}): Promise<StepCosts> {
    this.#measuredCosts = await measureCosts({
      signal,
      inTurn,
      target: this.#target.model,
      drafter: this.#drafter,
      sampling: resolveSampling(options),
      verification: this.#verification,
      stops: this.#stop !== undefined,
      now: this.#now,
    })
    return this.#measuredCosts
  }

  async #lengthPolicy(
    sampling: Sampling,
    repeats: boolean,
    signal: AbortSignal | undefined,
  ): Promise<DraftLengthPolicy> {
    if (this.#policy) return this.#policy
    const stops = this.#stop === 'auto'
    const draftLength = typeof this.#draftLength === 'number' ? this.#draftLength : undefined
    // Of this answer alone: what others were, and when, must not matter.
    if (repeats) {
      const costs = this.#givenCosts ?? this.#declaredCosts()
      return autoDraftLength({ costs, learnsTimes: false, stops, draftLength })
    }
    const costs = this.costs ?? (await this.measureCosts({ ...sampling, signal }))
    this.#clockPolicy ??= autoDraftLength({ costs, stops, draftLength })
    return this.#clockPolicy
  }

  /** Where a draft that was chosen ends, and how. */
  #ending({ offer, stop = this.#stop === 'auto' ? undefined : this.#stop }: DraftChoice) {
    return { ...(offer.stops && { stop }), skips: this.#skips }
  }

  /** Whether draft steps behind an early end are left out: no token depends on it. */
  get #skips(): boolean {
    const { costs } = this
    return costs?.skippedSeconds === undefined || skipsPay(costs)
  }

  #declaredCosts(): StepCosts {
    const { parameterRatio } = this.#counted
    return declaredCosts({ parameterRatio, isSoftware: this.#target.model.device.isSoftware })
  }
}

function policyOf(
  draftLength: number | 'auto' | DraftLengthPolicy,
  stop: DraftStop | 'auto' | undefined,
): DraftLengthPolicy | undefined {
  if (draftLength === 'auto') return undefined
  if (typeof draftLength === 'object') {
    if (stop !== 'auto') return draftLength
    throw new OutriderError('INVALID_ARGUMENT', 'draftStop is "auto", and draftLength is a policy of its own.', {
      remedy: 'Let the policy choose where drafts stop, or say it: { confidence: 0.4 }.',
    })
  }
  const fixed = draftLengthPolicy(draftLength, '"auto"')
  return stop === 'auto' && draftLength > 0 ? undefined : fixed
}
