import type { Counter, Device, Tensor } from '@outrider/tensor'
import {
  type CausalLM,
  type KvCache,
  type LogitsProcessor,
  type Prefixes,
  prefill,
  RepeatedStep,
  RepeatedSteps,
  type Sampling,
  sampleTokens,
} from '@outrider/transformer'
import { type DraftChoice, maxDraftLength } from './draft-length/policy'
import {
  type Draft,
  type Drafter,
  type DraftRequest,
  type DraftSession,
  memoryOf,
  type Offer,
  offersOf,
} from './drafter/drafter'
import { withForcedText } from './drafter/forced-text'
import { lasting, type Pass, passing, type Queued } from './queued-pass'
import { type Step, scoredStep, stepOf } from './step'
import { type StepCounters, stepCounters } from './step-counters'
import { judged, type ToJudge, uniforms } from './verification/passes'
import { readDraft } from './verification/read-draft'
import type { VerificationRule } from './verification/rule'
import { plainVerdict, readVerdict } from './verification/verify'

export interface SequenceOptions {
  target: CausalLM
  drafter: Drafter
  verification: VerificationRule
  sampling: Sampling
  /** What is done to logits before; the sequence frees it. */
  processor?: LogitsProcessor | undefined
  prompt: readonly number[]
  /** Tokens that prompt and answer may have together. */
  capacity: number
  /** How many of the likeliest tokens to report with each token's score; left out, nothing is scored. */
  logProbabilities?: number | undefined
  /** What is known of beginnings of texts, for target and drafter. */
  prefixes?: Prefixes | undefined
}

/**
 * One sequence of target and drafter on the device: their caches, the tokens, and the random numbers. Each step is one
 * submission and one readback of a few integers; caches roll back by length.
 */
export class Sequence {
  readonly tokens: number[]
  /** Tokens of the prompt that the target was given, and has not read. */
  readonly cachedTokens: number
  readonly #prefixes: Prefixes | undefined
  readonly #device: Device
  readonly #target: CausalLM
  readonly #rule: VerificationRule
  readonly #sampling: Sampling
  readonly #processor: LogitsProcessor | undefined
  readonly #capacity: number
  readonly #cache: KvCache
  readonly #drafter: Drafter
  readonly #session: DraftSession
  readonly #logProbabilities: number | undefined
  /** The last token, which the target has not read: u32 [1, 1]. */
  readonly #unread: Tensor
  /** A pass without a draft, and verifications by the memory of what they verify. */
  readonly #plain: RepeatedStep<Pass>
  readonly #verifications = new RepeatedSteps<VerificationStep>()
  /** Passes over drafts that are judged once it is known which tokens they are. */
  readonly #readings = new RepeatedSteps<ReadingStep>()
  #steps = 0

  constructor(options: SequenceOptions) {
    const { target, drafter, verification, sampling, processor, prompt, capacity, logProbabilities, prefixes } = options
    this.#device = target.device
    this.#target = target
    this.#drafter = withForcedText(drafter, processor)
    this.#rule = verification
    this.#sampling = sampling
    this.#processor = processor
    this.#capacity = capacity
    this.#logProbabilities = logProbabilities
    this.tokens = [...prompt]
    this.#prefixes = prefixes
    this.#cache = target.createCache({ capacity, context: target.config.contextLength })
    try {
      const { vocabularySize } = target.config
      this.#session = this.#drafter.open({ device: target.device, vocabularySize, capacity, prefixes })
    } catch (error) {
      this.#cache.dispose()
      processor?.dispose()
      throw error
    }
    this.cachedTokens = prefixes?.restore(target, this.#cache, prompt) ?? 0
    this.#unread = target.device.empty([1, 1], 'u32').keep()
    this.#plain = new RepeatedStep(target, this.#cache, (counter) => {
      const logits = target.forward(this.#unread, { cache: this.#cache }) // [1, 1, V]
      return this.#drawn(logits.reshape([1, logits.size]), counter)
    })
  }

  /** What could be drafted now, up to `limit` tokens. The first pass reads the prompt, as plain decoding does. */
  offers(limit: number): readonly Offer[] {
    const { tokens } = this
    // Drafts need places in the cache.
    const room = Math.min(limit, maxDraftLength, this.#capacity - tokens.length)
    if (this.#cache.lengths[0]! < tokens.length - 1) return []
    return offersOf(this.#drafter, this.#session, { tokens, limit: room })
  }

  /**
   * Adds the tokens of one pass of the target: over all that it has not read (the prompt, at first), or over drafted tokens and
   * the one before them.
   *
   * @param choice  one of the `offers`, and whether steps behind an early end are left out; null: nothing is drafted
   * @throws OutriderError NOT_FINITE where the logits of target or draft are no numbers
   */
  async step(choice: (DraftChoice & Pick<DraftRequest, 'skips'>) | null = null): Promise<Step> {
    const before = this.tokens.length
    const isFirst = this.#steps === 0
    const counters = stepCounters(this.#steps++)
    const request = choice && this.#request(choice, counters)
    const drafted = request?.processor?.isConstrained ? await this.#session.draftConstrained?.(request) : undefined
    const { pass, isDrafted, free } = await this.#device.scope(() => this.#enqueue(request, counters, drafted))
    if (isFirst) this.#prefixes?.keep(this.#target, this.#cache, this.tokens) // which are the prompt
    try {
      const words = (await pass.result.data()) as Uint32Array
      const step = stepOf(isDrafted ? readVerdict(words) : plainVerdict(words))
      const { tokens, accepted, drafted } = step
      this.tokens.push(...tokens)
      this.#processor?.accept(tokens)
      if (isDrafted) {
        this.#cache.truncate(before + accepted)
        this.#session.keep(before + accepted, drafted)
      }
      return pass.logits ? await scoredStep(step, pass.logits, this.#logProbabilities!) : step
    } finally {
      free()
    }
  }

  /** Takes tokens back, for measuring: of those that stay, the last is unread, as after any step. */
  rewind(length: number): void {
    this.tokens.length = length
    this.#cache.truncate(length - 1)
    this.#session.keep(length - 1)
  }

  dispose(): void {
    this.#plain.dispose()
    this.#verifications.dispose()
    this.#readings.dispose()
    this.#processor?.dispose()
    this.#unread.dispose()
    this.#cache.dispose()
    this.#session.dispose()
  }

  #request(choice: DraftChoice & Pick<DraftRequest, 'skips'>, counters: StepCounters): DraftRequest {
    const [sampling, processor] = [this.#sampling, this.#processor]
    return { tokens: this.tokens, ...choice, sampling, processor, offset: counters.drafts }
  }

  /** @param drafted  what has been drafted already; undefined: nothing has been asked */
  #enqueue(
    request: DraftRequest | null,
    counters: StepCounters,
    drafted: Draft | null | undefined,
  ): Queued | Promise<Queued> {
    const { tokens } = this
    const [sampling, processor] = [this.#sampling, this.#processor]
    const draft = drafted !== undefined ? drafted : request && this.#session.draft(request)
    const unread = tokens.slice(this.#cache.lengths[0]!)
    if (unread.length === 1) this.#unread.write(Uint32Array.from(unread))
    if (!draft) {
      const counter = counters.plain
      if (unread.length === 1) return { pass: this.#plain.run(counter), isDrafted: false, free: lasting }
      return passing(this.#drawn(prefill(this.#target, this.#cache, unread), counter), false)
    }
    const length = 'ids' in draft ? draft.ids.length : draft.tokens.size
    const counter = counters.verification
    const drawn = uniforms(length + 1, sampling.seed, counter)
    if (processor?.isConstrained) return this.#judgedOnceRead(draft, drawn, processor)
    if ('tokens' in draft && !draft.lasting) return passing(this.#verdict(draft, this.#device.tensor(drawn)), true)
    const verification =
      'ids' in draft
        ? this.#knownVerification(draft.ids)
        : this.#verifications.of(memoryOf(draft), () => this.#verification(draft))
    verification.uniforms.write(drawn)
    return { pass: verification.step.run(counter), isDrafted: true, free: lasting }
  }

  /**
   * The pass over a draft, where what the target may say depends on which tokens were drafted: unless they are known, these are read
   * while the target's pass is on its way, and the verdict is queued behind it.
   */
  #judgedOnceRead(draft: Draft, drawn: Float32Array<ArrayBuffer>, processor: LogitsProcessor): Promise<Queued> {
    const device = this.#device
    const isKept = 'ids' in draft || draft.lasting === true
    const reading =
      'ids' in draft
        ? this.#readings.of(`known ${draft.ids.length}`, () =>
            this.#reading({ tokens: device.empty([draft.ids.length], 'u32') }, true),
          )
        : isKept
          ? this.#readings.of(memoryOf(draft), () => this.#reading(draft, false))
          : this.#reading(draft, true)
    const { tokens } = reading.draft
    if ('ids' in draft) tokens.write(Uint32Array.from(draft.ids))
    const ids = 'ids' in draft ? draft.ids : (draft.known ?? tokens.data())
    const { logits } = reading.step.run(0)
    device.flush()
    const judge = async (): Promise<Queued> => {
      const known = await ids
      const result = device.scope(() => {
        const masks = processor.masksAlong(device, known)
        const options = { sampling: this.#sampling, verification: this.#rule, uniforms: device.tensor(drawn) }
        return judged(reading.draft, processor.verify(logits, { drafted: tokens, masks }), options).keep()
      })
      const free = () => {
        result.dispose()
        if (!isKept) reading.dispose()
      }
      return { pass: this.#pass(result, logits), isDrafted: true, free }
    }
    return judge()
  }

  /** @param owned  whether the draft's memory is freed with the step */
  #reading(draft: ToJudge, owned: boolean): ReadingStep {
    const memory = [draft.tokens, draft.probabilities, draft.count]
    if (owned) for (const tensor of memory) tensor?.keep()
    const step = new RepeatedStep(this.#target, this.#cache, () => ({
      logits: readDraft(this.#target, { cache: this.#cache, unread: this.#unread, draft }),
    }))
    const dispose = () => {
      step.dispose()
      if (owned) for (const tensor of memory) tensor?.dispose()
    }
    return { draft, step, dispose }
  }

  /** Known drafts of one length are verified where they are written to. */
  #knownVerification(ids: readonly number[]): VerificationStep {
    const verification = this.#verifications.of(`known ${ids.length}`, () =>
      this.#verification({ tokens: this.#device.empty([ids.length], 'u32').keep() }, true),
    )
    verification.draft.tokens.write(Uint32Array.from(ids))
    return verification
  }

  /** @param owned  whether the draft's memory is freed with the step */
  #verification(draft: ToJudge, owned = false): VerificationStep {
    const drawn = this.#device.empty([draft.tokens.size + 1]).keep()
    const step = new RepeatedStep(this.#target, this.#cache, () => this.#verdict(draft, drawn))
    const dispose = () => {
      step.dispose()
      drawn.dispose()
      if (owned) draft.tokens.dispose()
    }
    return { draft, uniforms: drawn, step, dispose }
  }

  /** A pass without a draft: the token drawn from logits [1, V]. */
  #drawn(logits: Tensor, counter: number | Counter): Pass {
    return this.#pass(sampleTokens(this.#processor?.next(logits) ?? logits, this.#sampling, counter), logits)
  }

  /** One pass of the target over the unread token and a draft, and the verdict on it, for `readVerdict`. */
  #verdict(draft: ToJudge, drawn: Tensor): Pass {
    const logits = readDraft(this.#target, { cache: this.#cache, unread: this.#unread, draft })
    const processed = this.#processor?.verify(logits, { drafted: draft.tokens }) ?? logits
    const options = { sampling: this.#sampling, verification: this.#rule, uniforms: drawn }
    return this.#pass(judged(draft, processed, options), logits)
  }

  #pass(result: Tensor, logits: Tensor): Pass {
    return this.#logProbabilities === undefined ? { result } : { result, logits }
  }
}

/** The target's pass over drafts that lie in the same memory each time. */
interface ReadingStep {
  draft: ToJudge
  step: RepeatedStep<{ logits: Tensor }>
  dispose(): void
}

/** The verification of drafts that lie in the same memory each time. */
interface VerificationStep {
  draft: ToJudge
  /** What the verdict is drawn with, f32 [γ + 1]; written before each run. */
  uniforms: Tensor
  step: RepeatedStep<Pass>
  dispose(): void
}
