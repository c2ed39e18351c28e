import type { Counter, Tensor } from '@outrider/tensor'
import { counter as counterFrom, type Recording } from '@outrider/tensor/internal'
import type { CausalLM, KvCache } from '../model/index'

type Results = Readonly<Record<string, Tensor>>

/**
 * A step of decoding that is done again and again, each time a little further on: the kernels that it queues are worked out
 * once, and then queued again with positions and random counters moved on. What changes otherwise goes through tensors from
 * outside, written before `run`. A step is of one sequence; where the model's passes cannot be replayed, it is computed anew each
 * time.
 */
export class RepeatedStep<T extends Results> {
  readonly #model: Pick<CausalLM, 'device' | 'isReplayable'>
  readonly #cache: KvCache
  readonly #body: (counter: Counter) => T
  #recorded: { commands: Recording<T>; length: number; rows: number; counter: number } | null = null
  #computed: T | null = null

  /**
   * @param model  whose passes it does
   * @param cache  the cache that the step reads into
   * @param body   queues the step and returns its results; given the first of the random counters that it uses
   */
  constructor(model: Pick<CausalLM, 'device' | 'isReplayable'>, cache: KvCache, body: (counter: Counter) => T) {
    this.#model = model
    this.#cache = cache
    this.#body = body
  }

  /**
   * Queues the step where the cache ends.
   *
   * @returns the results; they are the step's, until it is run again or disposed of
   * @throws OutriderError CONTEXT_OVERFLOW where the cache has no room
   */
  run(counter: number): T {
    const cache = this.#cache
    return this.#model.isReplayable && cache.batchSize === 1 ? this.#replay(cache, counter) : this.#compute(counter)
  }

  /** Frees the results and what else it holds. */
  dispose(): void {
    this.#recorded?.commands.dispose()
    this.#recorded = null
    for (const result of Object.values(this.#computed ?? {})) result.dispose()
    this.#computed = null
  }

  #replay(cache: KvCache, counter: number): T {
    const length = cache.lengths[0]!
    if (!this.#recorded) {
      const commands = this.#model.device.record(() => this.#body(counterFrom(counter)))
      this.#recorded = { commands, length, rows: cache.lengths[0]! - length, counter }
      commands.replay()
      return commands.value
    }
    const { commands, rows, ...first } = this.#recorded
    cache.advance([rows])
    commands.replay({ position: length - first.length, counter: counter - first.counter })
    return commands.value
  }

  #compute(counter: number): T {
    this.dispose()
    this.#computed = this.#model.device.scope(() => this.#body(counterFrom(counter)))
    for (const result of Object.values(this.#computed)) result.keep()
    return this.#computed
  }
}

/** Steps by name, made when first asked for; of many, those that were used last are kept. */
export class RepeatedSteps<T extends { dispose(): void }> {
  readonly #steps = new Map<string, T>()
  readonly #kept: number

  /** @param kept  the most: each holds the memory of its results, and working one out again takes the host a while */
  constructor(kept = 8) {
    this.#kept = kept
  }

  of(name: string, make: () => T): T {
    const step = this.#steps.get(name) ?? make()
    this.#steps.delete(name)
    this.#steps.set(name, step)
    if (this.#steps.size > this.#kept) {
      const [oldest, unused] = this.#steps.entries().next().value!
      unused.dispose()
      this.#steps.delete(oldest)
    }
    return step
  }

  dispose(): void {
    for (const step of this.#steps.values()) step.dispose()
    this.#steps.clear()
  }
}
