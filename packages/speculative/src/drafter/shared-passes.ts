import type { Tensor } from '@outrider/tensor'
import { BatchCache, type CausalLM, prefill, rowsTogether, type TensorRows } from '@outrider/transformer'
import { rowsBySlot } from '../rows-by-slot'
import type { DraftPlace } from './draft-place'

/** What a sequence has a pass read: ids, or u32 [n, 1] on the device. */
export interface SharedRead {
  place: DraftPlace
  next: readonly (number | TensorRows)[]
}

/** Passes of a draft's model over several sequences at once, whose keys and values lie side by side. */
export class SharedPasses {
  readonly model: CausalLM
  readonly #cached: BatchCache<DraftPlace>

  /** @param size  the most sequences */
  constructor(model: CausalLM, size: number) {
    this.model = model
    this.#cached = new BatchCache({ model, config: model.config }, size)
  }

  /** Keeps room for a sequence, where there is any. */
  expect(place: DraftPlace): boolean {
    if (!this.#cached.fits(place.places)) return false
    place.reserve(this.#cached)
    return true
  }

  /** Gives back the room of those who have left. */
  settle(): void {
    this.#cached.settle()
  }

  /** Logits after many tokens, which are read as a prompt is, in a cache of one sequence: [1, V']. */
  prefill({ own, slot, places }: DraftPlace, tokens: readonly number[]): Tensor {
    const { model } = this
    if (own) return prefill(model, own, tokens)
    const { cache } = this.#cached
    const apart = model.createCache({ capacity: places, context: model.config.contextLength })
    try {
      apart.copySequence(0, cache, slot)
      const logits = prefill(model, apart, tokens)
      cache.copySequence(slot, apart, 0)
      return logits
    } finally {
      apart.dispose()
    }
  }

  /**
   * One pass over the next tokens of some of the sequences.
   *
   * @param coveredOnly  whether it says covered ids alone
   * @returns what it says after each of their tokens, [tokens, C or V']
   */
  over(reads: readonly SharedRead[], coveredOnly: boolean): Required<TensorRows>[] {
    const { model } = this
    const { cache } = this.#cached
    const counts = Array.from({ length: cache.batchSize }, () => 0)
    for (const { place, next } of reads) counts[place.slot] = next.length
    const packed = model.packs === true
    const { starts, rows, shape } = rowsBySlot(counts, packed)
    const known = new Uint32Array(rows)
    const drawn = new Map<number, TensorRows>()
    for (const { place, next } of reads)
      for (const [i, token] of next.entries()) {
        const row = starts[place.slot]! + i
        if (typeof token === 'number') known[row] = token
        else drawn.set(row, token)
      }
    const told = drawn.size < rows ? model.device.tensor(known, { shape: [rows, 1] }) : undefined
    const tokens = rowsTogether(Array.from(known, (_, row) => drawn.get(row) ?? { x: told!, start: row }))
    const all = model.forward(tokens.reshape(shape), { cache, counts, packed, coveredOnly })
    const x = all.reshape([rows, all.size / rows])
    return reads.map(({ place, next }) => ({ x, start: starts[place.slot]!, count: next.length }))
  }

  /** What it takes at most, as a group says it (`DraftGroup`). */
  growth(tokens?: number): number | undefined {
    return this.#cached.growth(tokens)
  }

  dispose(): void {
    this.#cached.dispose()
  }
}
