import { slice, type Tensor } from '@outrider/tensor'
import { type CausalLM, isOutOfMemory, type KvCache, sampleTokens } from '@outrider/transformer'
import type { DraftChoice } from '../draft-length/policy'
import type { DraftStop } from '../drafter/draft-stop'
import type { Draft, DraftRequest } from '../drafter/drafter'
import type { DraftsTogether } from '../drafter/drafts-together'
import { rowsBySlot } from '../rows-by-slot'
import { stepCounters } from '../step-counters'
import { judged, uniforms } from '../verification/passes'
import type { VerificationRule } from '../verification/rule'
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

/** What is read of a pass for one sequence, and its logits, f32 [γ + 1, V], if its tokens are to be scored. */
export interface Pass {
  result: Tensor
  logits?: Tensor
  isDrafted: boolean
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
        ? member.session.draftConstrained?.(this.#request(member, choice))
        : undefined,
    )
    const drafts = drafting.some(Boolean) ? await Promise.all(drafting) : []
    return turns.map((turn, i) => ({ ...turn, drafted: drafts[i] }))
  }

  /**
   * Queues the other drafts, one pass of the target over them all, and the verdicts. What the passes hold is the caller's to dispose of.
   *
   * @param cache  of the target, with a slot for each of the members
   */
  async enqueue(cache: KvCache, turns: readonly DraftedTurn[]): Promise<Pass[]> {
    const { device } = this.#model
    const { drafts, logits, reading } = device.scope(() => {
      const drafts = turns.map(({ member, choice, drafted }) =>
        drafted !== undefined ? drafted : choice && this.#draft(member, choice),
      )
      this.#run(turns, drafts)
      // What a constraint allows goes by the drafted ids: they are read, if nobody knows them, while the target's pass is on its way.
      const reading = turns.map(({ member }, i) =>
        member.processor?.isConstrained ? (idsOf(drafts[i]!) ?? undefined) : undefined,
      )
      return { drafts, logits: this.#read(cache, turns, drafts), reading }
    })
    if (reading.some((ids) => ids)) device.flush()
    const ids = reading.some((ids) => ids) ? await Promise.all(reading) : []
    const passes = device.scope(() =>
      turns.map(({ member }, i) => {
        const pass = this.#judge(member, drafts[i] ?? null, { logits: logits[i]!, ids: ids[i] })
        pass.result.keep()
        return pass
      }),
    )
    for (const [i, pass] of passes.entries()) if (!pass.logits) logits[i]!.dispose()
    for (const draft of drafts)
      if (draft && 'tokens' in draft && !draft.lasting)
        for (const tensor of [draft.tokens, draft.probabilities, draft.count]) tensor?.dispose()
    return passes
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
      if (!isOutOfMemory(error)) throw error
      silence(member)
      return null
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

  /** The logits of each sequence, f32 [γ + 1, V], by one pass over the last tokens and the drafts of all but the newcomers. */
  #read(cache: KvCache, turns: readonly Turn[], drafts: readonly (Draft | null)[]): Tensor[] {
    const model = this.#model
    const rowsOf = turns.map(({ member }, i) => (member.first ? 0 : 1 + (drafts[i] ? lengthOf(drafts[i]) : 0)))
    const counts = Array.from({ length: cache.batchSize }, () => 0)
    for (const [i, { member }] of turns.entries()) counts[member.slot] = rowsOf[i]!
    if (counts.every((count) => count === 0)) return turns.map(({ member }) => alias(member.first!))
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
      member.first ? alias(member.first) : slice(said, { start: starts[member.slot]!, count: rowsOf[i]! }),
    )
  }

  /** Queues the verdict on a draft, or a draw where there is none. */
  #judge(
    member: Member,
    draft: Draft | null,
    { logits, ids }: { logits: Tensor; ids: ArrayLike<number> | undefined },
  ): Pass {
    const { device } = logits
    const { sampling, processor, scores } = member
    const counters = stepCounters(member.steps++)
    const scored = scores !== undefined && { logits }
    if (!draft) {
      const said = processor?.next(logits) ?? logits
      return { result: sampleTokens(said, sampling, counters.plain), isDrafted: false, ...scored }
    }
    const drawn = device.tensor(uniforms(logits.shape[0]!, sampling.seed, counters.verification))
    const toJudge = 'ids' in draft ? { tokens: device.tensor(Uint32Array.from(draft.ids)) } : draft
    const masks = ids && processor?.masksAlong(device, ids)
    const said = processor?.verify(logits, { drafted: toJudge.tokens, masks }) ?? logits
    const result = judged(toJudge, said, { sampling, verification: this.#rule, uniforms: drawn })
    return { result, isDrafted: true, ...scored }
  }
}

/** Which tokens a draft has. */
const idsOf = (draft: Draft | null) => draft && ('ids' in draft ? draft.ids : (draft.known ?? draft.tokens.data()))

const lengthOf = (draft: Draft): number => ('ids' in draft ? draft.ids.length : draft.tokens.size)

/** The same tensor, to be freed by another. */
const alias = (x: Tensor): Tensor => x.reshape(x.shape)
