import type { OutriderError, Tensor } from '@outrider/tensor'
import {
  type CausalLM,
  isNotFinite,
  isOutOfMemory,
  type KvCache,
  rowsTogether,
  type TensorRows,
} from '@outrider/transformer'
import type { DraftChoice } from '../draft-length/policy'
import type { DraftStop } from '../drafter/draft-stop'
import type { Draft, DraftRequest } from '../drafter/drafter'
import type { DraftsTogether } from '../drafter/drafts-together'
import { rowsBySlot } from '../rows-by-slot'
import { stepCounters } from '../step-counters'
import type { VerificationRule } from '../verification/rule'
import type { BlockVerdict } from '../verification/verify'
import { type DrawnTogether, drawTogether, type ToDraw } from './draws-together'
import { type Member, silence } from './member'

/** A sequence in a step, and what is drafted for it; null: nothing. */
export interface Turn {
  member: Member
  choice: DraftChoice | null
}

/** The same with what has been drafted under a constraint; undefined: nothing has been asked. */
export interface DraftedTurn extends Turn {
  drafted: Draft | null | undefined
}

/** What a pass is to bring one sequence. */
export interface Pass {
  isDrafted: boolean
  /** f32 [γ + 1, V], if its tokens are to be scored. */
  logits: Tensor | undefined
}

/** What has been queued of a step. */
export interface QueuedStep {
  passes: Pass[]
  /** Of each of the passes, once it has been read; an error for one whose sequence there was nothing to draw from (NOT_FINITE). */
  verdicts: Promise<(BlockVerdict | OutriderError)[]>
}

export interface BatchPassOptions {
  model: CausalLM
  rule: VerificationRule
  /** Where drafts end early, unless a policy says so itself. */
  stop: DraftStop | undefined
  /** Whether draft steps behind an early end are left out: no token depends on it. */
  skips: boolean
  /** Of the members' sessions. */
  together: DraftsTogether
}

/** Passes of the target over what was drafted for the sequences of a batch. */
export class BatchPass {
  readonly #model: CausalLM
  readonly #rule: VerificationRule
  readonly #stop: DraftStop | undefined
  readonly #skips: boolean
  readonly #together: DraftsTogether

  constructor({ model, rule, stop, skips, together }: BatchPassOptions) {
    this.#model = model
    this.#rule = rule
    this.#stop = stop
    this.#skips = skips
    this.#together = together
  }

  /** Drafts for those with a constraint whose drafters wait for each token: all of them wait together. */
  async draft(turns: readonly Turn[]): Promise<DraftedTurn[]> {
    const drafting = turns.map(({ member, choice }) =>
      choice && member.processor?.isConstrained
        ? member.session
            .draftConstrained?.(this.#request(member, choice))
            ?.catch((error) => withoutDraft(member, error))
        : undefined,
    )
    const drafts = drafting.some(Boolean) ? await Promise.all(drafting) : []
    return turns.map((turn, i) => ({ ...turn, drafted: drafts[i] }))
  }

  /**
   * Queues the other drafts, one pass of the target over them all, and what is drawn and judged of it.
   *
   * @param cache  of the target, with a slot for each of the members
   * @returns logits are the caller's to dispose of
   */
  async enqueue(cache: KvCache, turns: readonly DraftedTurn[]): Promise<QueuedStep> {
    const { device } = this.#model
    const { drafts, said, reading } = device.scope(() => {
      const drafts = turns.map(({ member, choice, drafted }) =>
        drafted !== undefined ? drafted : choice && this.#draft(member, choice),
      )
      this.#run(turns, drafts)
      // What a constraint allows goes by the drafted ids: they are read, if nobody knows them, while the target's pass is on its way.
      const reading = turns.map(({ member }, i) =>
        member.processor?.isConstrained ? (idsOf(drafts[i]!) ?? undefined) : undefined,
      )
      return { drafts, said: this.#read(cache, turns, drafts), reading }
    })
    if (reading.some((ids) => ids)) device.flush()
    const ids = reading.some((ids) => ids) ? await Promise.all(reading) : []
    const queued = device.scope(() => {
      const asked = turns.map(({ member }, i) => toDraw(member, drafts[i] ?? null, said[i]!, ids[i]))
      const { tensors, verdicts } = drawTogether(asked, this.#rule)
      const passes = turns.map(({ member }, i) => ({
        isDrafted: asked[i]!.draft !== null,
        logits: member.scores === undefined ? undefined : rowsTogether([said[i]!]),
      }))
      return { passes, verdicts: this.#told(tensors, verdicts) }
    })
    for (const x of new Set(said.map(({ x }) => x))) x.dispose()
    for (const draft of drafts)
      if (draft && 'tokens' in draft && !draft.lasting)
        for (const tensor of [draft.tokens, draft.probabilities, draft.count]) tensor?.dispose()
    return queued
  }

  async #told(tensors: Tensor[], verdicts: DrawnTogether['verdicts']): QueuedStep['verdicts'] {
    const read = await this.#model.device.read(tensors)
    const words = new Map(tensors.map((tensor, i) => [tensor, new Uint32Array(read[i]!)]))
    return verdicts.map((verdict) => {
      try {
        return verdict((tensor) => words.get(tensor)!)
      } catch (error) {
        if (!isNotFinite(error)) throw error
        return error
      }
    })
  }

  #request({ tokens, sampling, processor, steps }: Member, choice: DraftChoice): DraftRequest {
    const stop = choice.stop ?? this.#stop
    const ending = { ...(choice.offer.stops && { stop }), skips: this.#skips }
    return { tokens, ...choice, ...ending, sampling, processor, offset: stepCounters(steps).drafts }
  }

  #draft(member: Member, choice: DraftChoice): Draft | null {
    try {
      return member.session.draft(this.#request(member, choice))
    } catch (error) {
      return withoutDraft(member, error)
    }
  }

  /** Makes the drafts that sessions have put off; where the device has no memory for it, none that is drawn on it. */
  #run(turns: readonly DraftedTurn[], drafts: (Draft | null)[]): void {
    try {
      this.#together.run()
    } catch (error) {
      if (!isOutOfMemory(error)) throw error
      for (const [i, { member, drafted }] of turns.entries()) {
        const draft = drafts[i]
        if (drafted !== undefined || !draft || 'ids' in draft) continue
        silence(member)
        drafts[i] = null
      }
    }
  }

  /**
   * One pass over the last tokens and the drafts of all but the newcomers.
   *
   * @returns the rows of each sequence's logits, f32 [γ + 1, V], which the caller disposes of
   */
  #read(cache: KvCache, turns: readonly Turn[], drafts: readonly (Draft | null)[]): Required<TensorRows>[] {
    const model = this.#model
    const rowsOf = turns.map(({ member }, i) => (member.first ? 0 : 1 + (drafts[i] ? lengthOf(drafts[i]) : 0)))
    const counts = Array.from({ length: cache.batchSize }, () => 0)
    for (const [i, { member }] of turns.entries()) counts[member.slot] = rowsOf[i]!
    const first = ({ first }: Member) => ({ x: alias(first!), start: 0, count: 1 })
    if (counts.every((count) => count === 0)) return turns.map(({ member }) => first(member))
    const packed = model.packs === true
    const { starts, rows, shape } = rowsBySlot(counts, packed)
    const known = new Uint32Array(rows)
    for (const [i, { member }] of turns.entries()) {
      if (member.first) continue
      const draft = drafts[i]
      known[starts[member.slot]!] = member.tokens.at(-1)!
      if (draft && 'ids' in draft) known.set(draft.ids, starts[member.slot]! + 1)
    }
    const tokens = model.device.tensor(known, { shape })
    for (const [i, draft] of drafts.entries())
      if (draft && 'tokens' in draft)
        model.device.copy(draft.tokens, 0, tokens, starts[turns[i]!.member.slot]! + 1, lengthOf(draft))
    const all = model.forward(tokens, { cache, counts, packed }) // [1, rows, V], or [slots, rows, V]
    const said = all.reshape([rows, all.size / rows])
    return turns.map(({ member }, i) =>
      member.first ? first(member) : { x: said, start: starts[member.slot]!, count: rowsOf[i]! },
    )
  }
}

/**
 * What a sequence's tokens are drawn from and judged by.
 *
 * @param ids  what was drafted under a constraint
 */
function toDraw(
  member: Member,
  draft: Draft | null,
  said: Required<TensorRows>,
  ids: ArrayLike<number> | undefined,
): ToDraw {
  const { sampling, processor } = member
  const { device } = said.x
  const asked = { draft, sampling, counters: stepCounters(member.steps++) }
  if (!processor) return { ...asked, logits: said }
  const logits = rowsTogether([said])
  const whole = (x: Tensor) => ({ x, start: 0, count: said.count })
  if (!draft) return { ...asked, logits: whole(processor.next(logits)) }
  const drafted = 'ids' in draft ? device.tensor(Uint32Array.from(draft.ids)) : draft.tokens
  const masks = ids && processor.masksAlong(device, ids)
  return { ...asked, logits: whole(processor.verify(logits, { drafted, masks })) }
}

/** Goes on plainly for a sequence for whose draft the device has no memory. */
function withoutDraft(member: Member, error: unknown): null {
  if (!isOutOfMemory(error)) throw error
  silence(member)
  return null
}

/** Which tokens a draft has. */
const idsOf = (draft: Draft | null) => draft && ('ids' in draft ? draft.ids : (draft.known ?? draft.tokens.data()))

const lengthOf = (draft: Draft): number => ('ids' in draft ? draft.ids.length : draft.tokens.size)

/** The same tensor, to be freed by another. */
const alias = (x: Tensor): Tensor => x.reshape(x.shape)
