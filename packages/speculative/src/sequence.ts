import { concat, type Device, samplingDistribution, type Tensor, uniform01 } from '@outrider/tensor'
import { type CausalLM, type KvCache, prefill, type Sampling, sampleTokens } from '@outrider/transformer'
import { maxDraftLength } from './draft-length/policy'
import type { Drafter, DraftSession } from './drafter/drafter'
import type { Verification } from './verification/rule'
import { readVerdict, verify } from './verification/verify'

/** What one pass of the target added to a sequence. */
export interface Step {
  /** Drafted tokens that were accepted, then the token of the target itself. */
  tokens: number[]
  drafted: number
  accepted: number
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
  readonly #verification: Verification
  readonly #sampling: Sampling
  readonly #capacity: number
  readonly #cache: KvCache
  readonly #session: DraftSession
  #steps = 0

  constructor({ target, drafter, verification, sampling, prompt, capacity }: SequenceOptions) {
    this.#device = target.device
    this.#target = target
    this.#verification = verification
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
    const { result, drafted } = this.#device.scope(() => this.#enqueue(read === before - 1 ? room : 0, read, offset))
    const words = (await result.data()) as Uint32Array
    result.dispose()
    if (drafted === 0) {
      this.tokens.push(words[0]!)
      return { tokens: [words[0]!], drafted, accepted: 0, overlap: [] }
    }
    const verdict = readVerdict(words)
    const kept = verdict.drafted.slice(0, verdict.accepted)
    this.tokens.push(...kept, verdict.next)
    this.#cache.truncate(before + verdict.accepted)
    this.#session.keep(before + verdict.accepted)
    return { tokens: [...kept, verdict.next], drafted, accepted: verdict.accepted, overlap: verdict.overlap }
  }

  dispose(): void {
    this.#cache.dispose()
    this.#session.dispose()
  }

  #enqueue(draftLength: number, read: number, offset: number): { result: Tensor; drafted: number } {
    const device = this.#device
    const sampling = this.#sampling
    const { seed } = sampling
    const draft = draftLength > 0 ? this.#session.draft({ tokens: this.tokens, draftLength, sampling, offset }) : null
    const unread = this.tokens.slice(read)
    if (!draft) {
      const logits = prefill(this.#target, this.#cache, [unread]) // [1, V]
      return { result: sampleTokens(logits, sampling, offset + plainCounter), drafted: 0 }
    }
    const drafted = draft.tokens.size
    const rows = concat([device.tensor(Uint32Array.from(unread)), draft.tokens]).reshape([1, drafted + 1])
    const logits = this.#target.forward(rows, { cache: this.#cache }) // [1, γ + 1, V]
    const target = samplingDistribution(logits.reshape([drafted + 1, logits.size / (drafted + 1)]), sampling)
    const counter = offset + verificationCounter
    const uniforms = device.tensor(Float32Array.from({ length: drafted + 1 }, (_, i) => uniform01(seed, counter + i)))
    const { tokens, probabilities } = draft
    const verification = this.#verification
    return { result: verify({ draft: probabilities, target, tokens, uniforms, verification }), drafted }
  }
}
