import { concat, type Device, samplingDistribution, type Tensor, uniform01 } from '@outrider/tensor'
import {
  type CausalLM,
  type KvCache,
  prefill,
  RepeatedStep,
  RepeatedSteps,
  type Sampling,
  sampleTokens,
} from '@outrider/transformer'
import { maxDraftLength } from './draft-length/policy'
import type { Draft, Drafter, DraftSession } from './drafter/drafter'
import type { Verification } from './verification/rule'
import { readVerdict, verify } from './verification/verify'

/** What one pass of the target added to a sequence. */
export interface Step {
  /** Drafted tokens that were accepted, then the token of the target itself. */
  tokens: number[]
  drafted: number
  accepted: number
  /** Drafted tokens that were not accepted. */
  rejected: number[]
  /** α of each drafted position. */
  overlap: ArrayLike<number>
}

/** Counters of one step: its drafts, the uniforms of its verification, and its plain draw, each in a range of its own. */
const countersPerStep = 64
const verificationCounter = 16
const plainCounter = 32

export interface SequenceOptions {
  target: CausalLM
  drafter: Drafter
  verification: Verification
  sampling: Sampling
  prompt: readonly number[]
  /** Tokens that prompt and answer may have together. */
  capacity: number
}

/**
 * One sequence of target and drafter on the device: their caches, the tokens, and the random numbers. Each step is one
 * submission and one readback of a few integers; caches roll back by length.
 */
export class Sequence {
  readonly tokens: number[]
  readonly #device: Device
  readonly #target: CausalLM
  readonly #rule: Verification
  readonly #sampling: Sampling
  readonly #capacity: number
  readonly #cache: KvCache
  readonly #session: DraftSession
  /** The last token, which the target has not read: u32 [1, 1]. */
  readonly #unread: Tensor
  /** A pass without a draft, and verifications by the memory of what they verify. */
  readonly #plain: RepeatedStep<{ result: Tensor }>
  readonly #verifications = new RepeatedSteps<VerificationStep>()
  #steps = 0

  constructor({ target, drafter, verification, sampling, prompt, capacity }: SequenceOptions) {
    this.#device = target.device
    this.#target = target
    this.#rule = verification
    this.#sampling = sampling
    this.#capacity = capacity
    this.tokens = [...prompt]
    this.#cache = target.createCache({ capacity })
    try {
      const { vocabularySize } = target.config
      this.#session = drafter.open({ device: target.device, vocabularySize, capacity })
    } catch (error) {
      this.#cache.dispose()
      throw error
    }
    this.#unread = target.device.empty([1, 1], 'u32').keep()
    this.#plain = new RepeatedStep(target.device, this.#cache, (counter) => {
      const logits = target.forward(this.#unread, { cache: this.#cache }) // [1, 1, V]
      return { result: sampleTokens(logits.reshape([1, logits.size]), sampling, counter) }
    })
  }

  /**
   * Adds the tokens of one pass of the target: over all that it has not read (the prompt, at first), or over up to
   * `draftLength` drafted tokens and the one before them.
   */
  async step(draftLength: number): Promise<Step> {
    const before = this.tokens.length
    const read = this.#cache.lengths[0]!
    // Drafts need places in the cache; the first pass reads the prompt as plain decoding does.
    const room = Math.min(draftLength, maxDraftLength, this.#capacity - before)
    const offset = this.#steps++ * countersPerStep
    const { reading, drafted } = this.#device.scope(() => this.#enqueue(read === before - 1 ? room : 0, read, offset))
    const words = (await reading) as Uint32Array
    if (drafted === 0) {
      this.tokens.push(words[0]!)
      return { tokens: [words[0]!], drafted, accepted: 0, rejected: [], overlap: [] }
    }
    const { accepted, next, overlap, ...verdict } = readVerdict(words)
    const tokens = [...verdict.drafted.slice(0, accepted), next]
    this.tokens.push(...tokens)
    this.#cache.truncate(before + accepted)
    this.#session.keep(before + accepted)
    return { tokens, drafted, accepted, rejected: verdict.drafted.slice(accepted), overlap }
  }

  dispose(): void {
    this.#plain.dispose()
    this.#verifications.dispose()
    this.#unread.dispose()
    this.#cache.dispose()
    this.#session.dispose()
  }

  #enqueue(
    draftLength: number,
    read: number,
    offset: number,
  ): { reading: ReturnType<Tensor['data']>; drafted: number } {
    const sampling = this.#sampling
    const draft = draftLength > 0 ? this.#session.draft({ tokens: this.tokens, draftLength, sampling, offset }) : null
    const unread = this.tokens.slice(read)
    if (unread.length === 1) this.#unread.write(Uint32Array.from(unread))
    if (!draft) {
      const counter = offset + plainCounter
      const result =
        unread.length === 1
          ? this.#plain.run(counter).result
          : sampleTokens(prefill(this.#target, this.#cache, [unread]), sampling, counter)
      return { reading: result.data(), drafted: 0 }
    }
    const drafted = draft.tokens.size
    const counter = offset + verificationCounter
    const drawn = Float32Array.from({ length: drafted + 1 }, (_, i) => uniform01(sampling.seed, counter + i))
    if (!draft.lasting) return { reading: this.#verdict(draft, this.#device.tensor(drawn)).data(), drafted }
    const { tokens, probabilities } = draft
    const verification = this.#verifications.of(`${tokens.storage.id} ${probabilities.storage.id}`, () =>
      this.#verification(draft),
    )
    verification.uniforms.write(drawn)
    return { reading: verification.step.run(counter).result.data(), drafted }
  }

  #verification(draft: Draft): VerificationStep {
    const uniforms = this.#device.empty([draft.tokens.size + 1]).keep()
    const step = new RepeatedStep(this.#device, this.#cache, () => ({ result: this.#verdict(draft, uniforms) }))
    const dispose = () => {
      step.dispose()
      uniforms.dispose()
    }
    return { uniforms, step, dispose }
  }

  /** One pass of the target over the unread token and a draft, and the verdict on it, for `readVerdict`. */
  #verdict({ tokens, probabilities }: Draft, uniforms: Tensor): Tensor {
    const rows = tokens.size + 1
    const read = concat([this.#unread.reshape([1]), tokens]).reshape([1, rows])
    const logits = this.#target.forward(read, { cache: this.#cache }) // [1, γ + 1, V]
    const target = samplingDistribution(logits.reshape([rows, logits.size / rows]), this.#sampling)
    return verify({ draft: probabilities, target, tokens, uniforms, verification: this.#rule })
  }
}

/** The verification of drafts that lie in the same memory each time. */
interface VerificationStep {
  /** What the verdict is drawn with, f32 [γ + 1]; written before each run. */
  uniforms: Tensor
  step: RepeatedStep<{ result: Tensor }>
  dispose(): void
}
