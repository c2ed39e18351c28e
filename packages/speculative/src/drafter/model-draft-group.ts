import type { Counter, Tensor } from '@outrider/tensor'
import { counter } from '@outrider/tensor/internal'
import { BatchCache, type CausalLM, prefill, rowsTogether, type TensorRows } from '@outrider/transformer'
import { rowsBySlot } from '../rows-by-slot'
import type { DraftPlace } from './draft-place'
import { type DraftRows, drawEach, mostUnread } from './draft-rows'
import type { DraftGroup } from './drafts-together'

/** A draft that a group makes: where its tokens go, and how they are drawn. */
export interface GroupedBlock {
  /** Tokens to draft. */
  readonly count: number
  /** Whether it draws from the logits of covered ids alone. */
  readonly coveredOnly: boolean
  readonly rows: DraftRows
  /** Whether token i is drawn with those of others: whether nothing is to be done but to draw it. */
  readonly drawsWithOthers: boolean
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
      const drafts = asked.map((draft) => this.#taken(draft))
      // In the order of the rows of a pass, so that what is drawn need not be moved to be read.
      this.#draft(drafts.sort((a, b) => a.place.slot - b.place.slot))
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
    return { place, block, offset, next: unread, said: said && { x: said } }
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
      draw(i, going)
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
    const drawn = new Map<number, TensorRows>()
    for (const { place, next } of drafts)
      for (const [i, token] of next.entries()) {
        const row = starts[place.slot]! + i
        if (typeof token === 'number') known[row] = token
        else drawn.set(row, token)
      }
    const told = drawn.size < rows ? model.device.tensor(known, { shape: [rows, 1] }) : undefined
    const tokens = rowsTogether(Array.from(known, (_, row) => drawn.get(row) ?? { x: told!, start: row }))
    const all = model.forward(tokens.reshape(shape), { cache, counts, packed, coveredOnly: first.block.coveredOnly })
    const logits = all.reshape([rows, all.size / rows])
    for (const draft of drafts) {
      const last = starts[draft.place.slot]! + draft.next.length - 1
      draft.said = { x: logits, start: last }
    }
  }
}

/** Draws token i of each from what was said, in one pass for all that can be. */
function draw(i: number, drafts: readonly InGroup[]): void {
  const together = drafts.filter(({ block }) => block.drawsWithOthers)
  if (together.length > 1) {
    const next = together.map(({ block: { rows }, offset }) => ({ rows, index: i, offset }))
    const saying = together.map(({ said }) => said!)
    const ids = saying[0]!.x.device.scope(() => drawEach(next, rowsTogether(saying)))
    const x = ids.reshape([ids.size, 1])
    for (const [start, draft] of together.entries()) draft.next = [{ x, start }]
  }
  for (const draft of together.length > 1 ? drafts.filter(({ block }) => !block.drawsWithOthers) : drafts) {
    const id = draft.block.draw(i, rowsTogether([draft.said!]), counter(draft.offset))
    draft.next = [{ x: id.reshape([1, 1]) }]
  }
  for (const draft of drafts) draft.said = undefined
}

interface InGroup extends Pick<GroupedDraft, 'place' | 'block' | 'offset'> {
  /** Tokens that are to be read next, on the device once they were drawn: u32 [n, 1]. */
  next: readonly (number | TensorRows)[]
  /** The row of logits that the next token is drawn from, where it is there. */
  said: TensorRows | undefined
}
