import { slice, type Tensor } from '@outrider/tensor'
import {
  Answer,
  BatchCache,
  type CachedSequence,
  checkedCount,
  checkPrompt,
  type GenerateOptions,
  LogitsProcessor,
  ReadPrompt,
  resolveSampling,
  type Sampling,
  sampleTokens,
  scoreTokens,
} from '@outrider/transformer'
import { AnswerBlocks } from '../answer-blocks'
import type { Block } from '../block'
import type { Target } from '../decoder'
import { type DraftChoice, type DraftLengthPolicy, draftLengthPolicy, maxDraftLength } from '../draft-length/policy'
import { asDrafter } from '../drafter/as-drafter'
import { type Draft, type Drafter, type DraftSession, offersOf } from '../drafter/drafter'
import { SpeculationMetrics } from '../metrics'
import type { Step } from '../sequence'
import { stepCounters } from '../step-counters'
import { type Verification, verificationRule } from '../verification/by-name'
import { judged, uniforms } from '../verification/passes'
import type { VerificationRule } from '../verification/rule'
import { plainVerdict, readVerdict } from '../verification/verify'

export interface SpeculativeBatchOptions {
  target: Target
  /** A small model of the target's vocabulary, or anything else that drafts. */
  drafter: Target | Drafter
  /** A rule by its name, or one of your own. Default 'block'. */
  verification?: Verification
  /** The most sequences decoded at once. Default 16. */
  size?: number
  /** Seconds, for measuring. Default the system's clock. */
  now?: () => number
}

export interface SpeculativeJoinOptions extends GenerateOptions {
  /**
   * γ, 0 to 15, or a policy; 0 decodes plainly. An answer with a seed repeats itself under a policy that looks at no clock, and is
   * then the one that `SpeculativeDecoder` gives alone under it. A policy may be shared by several sequences.
   */
  draftLength: number | DraftLengthPolicy
  /** Who drafts for this sequence. Default the batch's drafter. */
  drafter?: Target | Drafter | undefined
}

/** A sequence that a batch decodes. */
export interface SpeculativeSequence {
  /** What has been answered so far. */
  readonly answer: Answer
  readonly promptTokens: number
  /** Counts of its blocks. The seconds of a block are those of the step, which others share. */
  readonly metrics: SpeculationMetrics
}

/** What a step of the batch added to one sequence. */
export interface SequenceBlock extends Block {
  sequence: SpeculativeSequence
}

/**
 * Decodes sequences together that come and go, those that speculate and those that do not: each is drafted for as far as its own
 * policy says, one pass of the target reads what was drafted for all, and each keeps what it accepts. A greedy answer has the bits
 * that it has alone, and plainly; a sampled one has the target's distribution. The pass is over as many rows of each sequence as
 * the longest draft needs. It is the caller's to dispose of; models stay the caller's.
 */
export class SpeculativeBatch {
  readonly #target: Target
  readonly #drafter: Drafter
  readonly #rule: VerificationRule
  readonly #now: () => number
  readonly #cached: BatchCache<Member>

  /**
   * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens than the target's; INVALID_ARGUMENT for a size that is
   *   none, or models on two devices
   */
  constructor({
    target,
    drafter,
    verification = 'block',
    size = 16,
    now = () => performance.now() / 1000,
  }: SpeculativeBatchOptions) {
    this.#target = target
    this.#drafter = asDrafter(target, drafter)
    this.#rule = verificationRule(verification)
    this.#now = now
    this.#cached = new BatchCache(target, size)
  }

  /** How many sequences are being decoded. */
  get count(): number {
    return this.#cached.sequences.size
  }

  /** The most tokens, prompt and answer, that a sequence can have. */
  get longest(): number {
    return this.#cached.longest
  }

  /** Whether a sequence of so many tokens, prompt and answer, can join now. */
  fits(tokens: number): boolean {
    return this.#cached.fits(tokens)
  }

  /**
   * Reads a prompt and adds its sequence to the batch, from the next step on.
   *
   * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW as `generate` does; INVALID_ARGUMENT for a γ out of range; DEVICE_LIMIT
   *   where it does not fit
   */
  join(prompt: readonly number[], options: SpeculativeJoinOptions): SpeculativeSequence {
    const { maxTokens = 256, stop, logProbabilities, draftLength, drafter, constraint, ...drawing } = options
    const { config, tokenizer, generationConfig, model } = this.#target
    checkPrompt(config, prompt)
    const sampling = resolveSampling(drawing)
    const scores = checkedCount(logProbabilities)
    const policy = draftLengthPolicy(draftLength)
    const drafts = drafter ? asDrafter(this.#target, drafter) : this.#drafter
    const room = Math.min(maxTokens, config.contextLength - prompt.length)
    const places = prompt.length + room
    this.#cached.assertFits(places)
    const { eosTokenIds } = generationConfig
    const answer = new Answer(tokenizer, { prompt, eosTokenIds, stop, maxTokens: room })
    using read = new ReadPrompt(this.#target, prompt)
    const { vocabularySize } = config
    const processor = LogitsProcessor.of(this.#target, { sampling, prompt, constraint })
    const member: Member = {
      ...{
        answer,
        sampling,
        processor,
        scores,
        policy,
        places,
        drafter: drafts,
        promptTokens: prompt.length,
        slot: -1,
      },
      blocks: new AnswerBlocks(answer),
      metrics: new SpeculationMetrics({ parameterRatio: drafts.parameterCount / model.parameterCount }),
      tokens: [...prompt],
      steps: 0,
      first: undefined,
      session: drafts.open({ device: model.device, vocabularySize, capacity: places }),
    }
    try {
      this.#cached.add(member, read.cache)
    } catch (error) {
      release(member)
      throw error
    }
    member.first = read.said.logits.reshape(read.said.logits.shape).keep()
    return member
  }

  /** Stops decoding a sequence. Of one that has ended or left, nothing happens. */
  leave(sequence: SpeculativeSequence): void {
    const member = sequence as Member
    if (this.#cached.remove(member)) release(member)
  }

  /**
   * Adds a block to each sequence, at least a token; those that end leave. Sequences may join and leave while it waits, but one step
   * ends before the next begins.
   *
   * @throws OutriderError NOT_FINITE where the logits of target or draft are no numbers; then the batch is to be disposed of
   */
  async step(): Promise<SequenceBlock[]> {
    if (this.count === 0) return []
    const { device } = this.#target.model
    const begin = this.#now()
    this.#cached.settle()
    const turns = [...this.#cached.sequences].map((member) => ({ member, choice: this.#choose(member) }))
    const passes = await this.#enqueue(turns)
    try {
      const read = await device.read(passes.map(({ result }) => result))
      const steps = await Promise.all(
        turns.map(({ member }, i) => stepOf(member, passes[i]!, new Uint32Array(read[i]!))),
      )
      // Others left while we waited.
      const here = turns.flatMap((turn, i) =>
        this.#cached.sequences.has(turn.member) ? [{ ...turn, step: steps[i]!, isDrafted: passes[i]!.isDrafted }] : [],
      )
      for (const { member, step, isDrafted } of here) {
        const kept = member.tokens.length + step.accepted
        member.tokens.push(...step.tokens)
        member.processor?.accept(step.tokens)
        if (isDrafted) member.session.keep(kept, step.drafted)
      }
      this.#rollBack(here.map(({ member }) => member))
      const seconds = this.#now() - begin
      return here.map((turn) => this.#told(turn, seconds))
    } finally {
      for (const { result, logits } of passes) {
        result.dispose()
        logits?.dispose()
      }
    }
  }

  /** Ends all sequences and frees what the batch holds. It is as usable as a new one. */
  dispose(): void {
    for (const member of this.#cached.sequences) release(member)
    this.#cached.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** What is to be drafted for a sequence; null: nothing. The first token is said by the prompt. */
  #choose({ first, policy, drafter, session, tokens, answer }: Member): DraftChoice | null {
    if (first) return null
    // A block adds one token more than it drafts.
    const limit = Math.min(maxDraftLength, answer.room - 1)
    return policy.next(offersOf(drafter, session, { tokens, limit }))
  }

  /** Queues the drafts, one pass of the target over them all, and the verdicts. */
  async #enqueue(turns: readonly Turn[]): Promise<Pass[]> {
    const { device } = this.#target.model
    const { drafts, logits, reading } = device.scope(() => {
      const drafts = turns.map(({ member, choice }) => choice && draftOf(member, choice))
      // What a constraint allows goes by the drafted ids: they are read while the target's pass is on its way.
      const reading = turns.map(({ member }, i) =>
        member.processor?.isConstrained ? (idsOf(drafts[i]!) ?? undefined) : undefined,
      )
      return { drafts, logits: this.#read(turns, drafts), reading }
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

  /** The logits of each sequence, f32 [γ + 1, V], by one pass over the last tokens and the drafts of all but the newcomers. */
  #read(turns: readonly Turn[], drafts: readonly (Draft | null)[]): Tensor[] {
    const { model } = this.#target
    const { cache } = this.#cached
    const lengths = drafts.map((draft) => (draft ? lengthOf(draft) : 0))
    const rows = 1 + Math.max(...lengths)
    const known = new Uint32Array(cache.batchSize * rows)
    const counts = Array.from({ length: cache.batchSize }, () => 0)
    for (const [i, { member }] of turns.entries()) {
      if (member.first) continue
      const draft = drafts[i]
      const at = member.slot * rows
      counts[member.slot] = 1 + lengths[i]!
      known[at] = member.tokens.at(-1)!
      if (draft && 'ids' in draft) known.set(draft.ids, at + 1)
    }
    if (turns.every(({ member }) => member.first)) return turns.map(({ member }) => alias(member.first!))
    const tokens = model.device.tensor(known, { shape: [cache.batchSize, rows] })
    for (const [i, draft] of drafts.entries())
      if (draft && 'tokens' in draft)
        model.device.copy(draft.tokens, 0, tokens, turns[i]!.member.slot * rows + 1, lengths[i]!)
    const all = model.forward(tokens, { cache, counts }) // [slots, rows, V]
    const said = all.reshape([known.length, all.size / known.length])
    return turns.map(({ member }, i) =>
      member.first ? alias(member.first) : slice(said, { start: member.slot * rows, count: 1 + lengths[i]! }),
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

  /** The target forgets what was not accepted: it has read all tokens but the last. */
  #rollBack(members: readonly Member[]): void {
    if (members.length === 0) return
    const { cache } = this.#cached
    const lengths = [...cache.lengths]
    for (const { slot, tokens } of members) lengths[slot] = tokens.length - 1
    cache.truncate(lengths)
  }

  #told({ member, choice, step }: Turn & { step: Step }, seconds: number): SequenceBlock {
    const { policy, metrics, blocks, answer } = member
    const isFirst = member.first !== undefined
    const offer = choice && step.drafted > 0 ? choice.offer : undefined
    const block = blocks.add(step, offer?.source)
    if (isFirst) {
      member.first!.dispose()
      member.first = undefined
    } else {
      const record = { ...step, offer, stop: offer && choice!.stop, delivered: block.tokens.length, seconds }
      metrics.record(record)
      policy.observe(record)
    }
    if (answer.finishReason) this.leave(member)
    return { sequence: member, ...block }
  }
}

interface Member extends SpeculativeSequence, CachedSequence {
  readonly sampling: Sampling
  readonly processor: LogitsProcessor | undefined
  readonly scores: number | undefined
  readonly policy: DraftLengthPolicy
  readonly drafter: Drafter
  readonly session: DraftSession
  readonly blocks: AnswerBlocks
  /** Prompt and answer so far: the target has read all but the last. */
  readonly tokens: number[]
  /** Steps so far. */
  steps: number
  /** Before its first token: the logits that the prompt's pass left for it, f32 [1, V]. */
  first: Tensor | undefined
}

interface Turn {
  member: Member
  choice: DraftChoice | null
}

/** What is read of a pass for one sequence, and its logits, f32 [γ + 1, V], if its tokens are to be scored. */
interface Pass {
  result: Tensor
  logits?: Tensor
  isDrafted: boolean
}

const draftOf = ({ session, tokens, sampling, processor, steps }: Member, choice: DraftChoice): Draft | null =>
  session.draft({ tokens, ...choice, sampling, processor, offset: stepCounters(steps).drafts })

/** Which tokens a draft has. */
const idsOf = (draft: Draft | null) => draft && ('ids' in draft ? draft.ids : draft.tokens.data())

const lengthOf = (draft: Draft): number => ('ids' in draft ? draft.ids.length : draft.tokens.size)

/** The same tensor, to be freed by another. */
const alias = (x: Tensor): Tensor => x.reshape(x.shape)

/** What a pass has added to a sequence, with what the target thought of it where that is wanted. */
async function stepOf({ scores }: Member, { logits, isDrafted }: Pass, words: Uint32Array): Promise<Step> {
  const { accepted, drafted, next, computed, overlap } = isDrafted ? readVerdict(words) : plainVerdict(words)
  const tokens = [...drafted.slice(0, accepted), next]
  const step = { tokens, drafted: drafted.length, computed, accepted, rejected: drafted.slice(accepted), overlap }
  if (!logits) return step
  const { device } = logits
  const scored = await device.scope(() =>
    scoreTokens(slice(logits, { start: 0, count: tokens.length }), device.tensor(Uint32Array.from(tokens)), scores!),
  )
  return { ...step, scored }
}

function release({ first, processor, session }: Member): void {
  first?.dispose()
  processor?.dispose()
  session.dispose()
}
