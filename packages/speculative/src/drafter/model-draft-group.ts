import type { Counter, Tensor } from '@outrider/tensor'
import { counter } from '@outrider/tensor/internal'
import { type CausalLM, rowsTogether, type TensorRows } from '@outrider/transformer'
import type { DraftPlace } from './draft-place'
import { type DraftRows, drawEach, mostUnread } from './draft-rows'
import type { DraftGroup } from './drafts-together'
import { SharedPasses, type SharedRead } from './shared-passes'

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
  readonly #passes: SharedPasses
  #asked: GroupedDraft[] = []

  /** @param size  the most sequences */
  constructor(model: CausalLM, size: number) {
    this.#passes = new SharedPasses(model, size)
  }

  /** Whether a sequence may draft with the others, once it does: whether there is room for it. */
  expect(place: DraftPlace): boolean {
    return this.#passes.expect(place)
  }

  /** Puts a draft off until `run`. */
  ask(draft: GroupedDraft): void {
    this.#asked.push(draft)
  }

  run(): void {
    const asked = this.#asked
    this.#asked = []
    this.#passes.settle()
    if (asked.length === 1 && asked[0]!.place.own) {
      asked[0]!.alone()
      return
    }
    this.#passes.model.device.scope(() => {
      const drafts = asked.map((draft) => this.#taken(draft))
      // In the order of the rows of a pass, so that what is drawn need not be moved to be read.
      this.#draft(drafts.sort((a, b) => a.place.slot - b.place.slot))
    })
  }

  growth(tokens?: number): number | undefined {
    return this.#passes.growth(tokens)
  }

  dispose(): void {
    this.#asked = []
    this.#passes.dispose()
  }

  /** Reads what is too much for a step, and has the sequence with the others. */
  #taken({ place, block, unread, offset }: GroupedDraft): InGroup {
    const isPrompt = unread.length > mostUnread
    const said = isPrompt ? block.drawable(this.#passes.prefill(place, unread)) : undefined
    if (place.own) place.join()
    return { place, block, offset, next: unread, said: said && { x: said } }
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
    if (drafts.length === 0) return
    const said = this.#passes.over(drafts, drafts[0]!.block.coveredOnly)
    for (const [i, { x, start, count }] of said.entries()) drafts[i]!.said = { x, start: start + count - 1 }
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

/** With the tokens that are to be read next, on the device once they were drawn. */
interface InGroup extends SharedRead, Pick<GroupedDraft, 'block' | 'offset'> {
  next: SharedRead['next']
  /** The row of logits that the next token is drawn from, where it is there. */
  said: TensorRows | undefined
}
