import { type Counter, slice, type Tensor } from '@outrider/tensor'
import { counter } from '@outrider/tensor/internal'
import { BatchCache, type CausalLM, prefill } from '@outrider/transformer'
import { rowsBySlot } from '../rows-by-slot'
import type { DraftPlace } from './draft-place'
import { mostUnread } from './draft-rows'
import type { DraftGroup } from './drafts-together'

/** A draft that a group makes: where its tokens go, and how they are drawn. */
export interface GroupedBlock {
  /** Tokens to draft. */
  readonly count: number
  /** Whether it draws from the logits of covered ids alone. */
  readonly coveredOnly: boolean
  /** Draws token i from logits [1, C or V'] and returns it, u32 [1]. */
  draw(i: number, logits: Tensor, offset: Counter): Tensor
  /** Queues what is left once all are drawn. */
  finish(): void
  /** Logits over all ids as it draws from them. */
  drawable(logits: Tensor): Tensor
}

export interface GroupedDraft {
  place: DraftPlace
  block: GroupedBlock
  /** Tokens that the model has not read of it, the last one among them. */
  unread: readonly number[]
  /** The first of its random counters. */
  offset: number
  /** Makes the draft in its own cache. */
  alone: () => void
}

/**
 * Drafts a model's tokens for several sequences at once: of every pass each has a row, until it has its length. A sequence that
 * drafts while no other does keeps a cache of its own, in which its steps are recorded; with the first step that it shares
 * it moves to the others.
 */
export class ModelDraftGroup implements DraftGroup {
  readonly #model: CausalLM
  readonly #cached: BatchCache<DraftPlace>
  #asked: GroupedDraft[] = []

  /** @param size  the most sequences */
  constructor(model: CausalLM, size: number) {
    this.#model = model
    this.#cached = new BatchCache({ model, config: model.config }, size)
  }

  /** Whether a sequence may draft with the others, once it does: whether there is room for it. */
  expect(place: DraftPlace): boolean {
    if (!this.#cached.fits(place.places)) return false
    place.reserve(this.#cached)
    return true
  }

  /** Puts a draft off until `run`. */
  ask(draft: GroupedDraft): void {
    this.#asked.push(draft)
  }

  run(): void {
    const asked = this.#asked
    this.#asked = []
    this.#cached.settle()
    if (asked.length === 1 && asked[0]!.place.own) {
      asked[0]!.alone()
      return
    }
    this.#model.device.scope(() => {
      this.#draft(asked.map((draft) => this.#taken(draft)))
    })
  }

  growth(tokens?: number): number | undefined {
    return this.#cached.growth(tokens)
  }

  dispose(): void {
    this.#asked = []
    this.#cached.dispose()
  }

  /** Reads what is too much for a step, and has the sequence with the others. */
  #taken({ place, block, unread, offset }: GroupedDraft): InGroup {
    const isPrompt = unread.length > mostUnread
    const said = isPrompt ? block.drawable(this.#prefilled(place, unread)) : undefined
    if (place.own) place.join()
    return { place, block, offset, next: unread, said }
  }

  /** Logits after many tokens, which are read as a prompt is, in a cache of one sequence: [1, V']. */
  #prefilled(place: DraftPlace, unread: readonly number[]): Tensor {
    const [model, { own, slot }] = [this.#model, place]
    if (own) return prefill(model, own, unread)
    const { cache } = this.#cached
    const apart = model.createCache({ capacity: place.places, context: model.config.contextLength })
    try {
      apart.copySequence(0, cache, slot)
      const logits = prefill(model, apart, unread)
      cache.copySequence(slot, apart, 0)
      return logits
    } finally {
      apart.dispose()
    }
  }

  #draft(drafts: readonly InGroup[]): void {
    for (let i = 0; drafts.some(({ block }) => block.count > i); i++) {
      const going = drafts.filter(({ block }) => block.count > i)
      this.#read(going.filter(({ said }) => !said))
      for (const draft of going) {
        draft.next = [draft.block.draw(i, draft.said!, counter(draft.offset))]
        draft.said = undefined
      }
    }
    for (const { block } of drafts) block.finish()
  }

  /** One pass over the next tokens of some of the sequences: it says what follows the last of each. */
  #read(drafts: readonly InGroup[]): void {
    const [first] = drafts
    if (!first) return
    const model = this.#model
    const { cache } = this.#cached
    const counts = Array.from({ length: cache.batchSize }, () => 0)
    for (const { place, next } of drafts) counts[place.slot] = next.length
    const packed = model.packs === true
    const { starts, rows, shape } = rowsBySlot(counts, packed)
    const known = new Uint32Array(rows)
    for (const { place, next } of drafts)
      for (const [i, token] of next.entries()) if (typeof token === 'number') known[starts[place.slot]! + i] = token
    const tokens = model.device.tensor(known, { shape })
    for (const { place, next } of drafts)
      for (const [i, token] of next.entries())
        if (typeof token !== 'number') model.device.copy(token, 0, tokens, starts[place.slot]! + i, 1)
    const all = model.forward(tokens, { cache, counts, packed, coveredOnly: first.block.coveredOnly })
    const logits = all.reshape([rows, all.size / rows])
    for (const draft of drafts) {
      const last = starts[draft.place.slot]! + draft.next.length - 1
      draft.said = slice(logits, { start: last, count: 1 })
    }
  }
}

interface InGroup extends Pick<GroupedDraft, 'place' | 'block' | 'offset'> {
  /** Tokens that are to be read next, on the device once they were drawn. */
  next: readonly (number | Tensor)[]
  /** The logits that the next token is drawn from, where they are there. */
  said: Tensor | undefined
}
