import { OutriderError, type Tensor } from '@outrider/tensor'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import { statesOf } from './head'
import type { DeviceBatch } from './objective'

/**
 * The target's hidden states of batches that come again, on the device: several losses or drafts are compared on the same
 * batches, or the held-out ones are measured again and again, and the target reads each of them once. States have the bits
 * that they would have if they were computed again. It keeps what comes first, and nothing past its bytes.
 */
export class TargetStates {
  readonly #maxBytes: number
  readonly #known = new Map<string, Tensor>()
  #target: PretrainedModel<CausalLM> | undefined
  #bytes = 0

  /**
   * @param options.maxBytes  most that is kept; default 256 MiB. A position takes four bytes times the target's hidden size, or
   *   times its vocabulary where it shows no hidden states
   */
  constructor({ maxBytes = 2 ** 28 }: { maxBytes?: number } = {}) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The hidden states after the target's last norm, f32 [batch, length, hidden], or its logits, f32 [batch, length, vocabulary],
   * where it shows no hidden states. They belong to this object, or to the
   * present scope where they are not kept.
   *
   * @throws OutriderError INVALID_ARGUMENT where they are asked for of two targets
   */
  of(
    target: PretrainedModel<CausalLM>,
    { tokens, tokenIds, length }: Pick<DeviceBatch, 'tokens' | 'tokenIds' | 'length'>,
  ): Tensor {
    this.#target ??= target
    if (this.#target !== target)
      throw new OutriderError('INVALID_ARGUMENT', 'TargetStates holds the states of another target.', {
        remedy: 'Make one for each target.',
      })
    const key = `${length}:${tokenIds.join()}`
    const known = this.#known.get(key)
    if (known) return known
    const states = statesOf(target.model, tokens)
    if (this.#bytes + states.bytes > this.#maxBytes) return states
    this.#known.set(key, states.keep())
    this.#bytes += states.bytes
    return states
  }

  /** Frees what is kept. */
  dispose(): void {
    for (const states of this.#known.values()) states.dispose()
    this.#known.clear()
    this.#bytes = 0
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
