import { OutriderError } from '@outrider/tensor'
import {
  BatchCache,
  isNotFinite,
  isOutOfMemory,
  PromptLine,
  PromptReading,
  ReadPrompt,
  type WarmUpOptions,
} from '@outrider/transformer'
import type { Target } from '../decoder'
import { type DraftLengthPolicy, draftLengthPolicy, maxDraftLength } from '../draft-length/policy'
import { type StepCosts, skipsPay } from '../draft-length/step-costs'
import { asDrafter } from '../drafter/as-drafter'
import { checkedStop, type DraftStop } from '../drafter/draft-stop'
import { type Drafter, type Offer, offersOf } from '../drafter/drafter'
import { DraftsTogether } from '../drafter/drafts-together'
import { type Step, scoredStep, stepOf } from '../step'
import { type Verification, verificationRule } from '../verification/by-name'
import { isOfDraft } from '../verification/verify'
import { BatchPass, type QueuedStep, type Turn } from './batch-pass'
import { DraftScheduler, type ScheduledBlock } from './draft-scheduler'
import { type Member, openMember, release, silence } from './member'
import type { SequenceBlock, SpeculativeJoinOptions, SpeculativeSequence } from './speculative-sequence'
import { warmUpBatch } from './warm-up-batch'

export interface SpeculativeBatchOptions {
  target: Target
  /** A small model of the target's vocabulary, or anything else that drafts. */
  drafter: Target | Drafter
  /** A rule by its name, or one of your own. Default 'block'. */
  verification?: Verification
  /** The most sequences decoded at once. Default 16. */
  size?: number
  /** What steps of a single sequence cost (`measureCosts`): for `draftLength: 'auto'`. */
  costs?: StepCosts | undefined
  /**
   * Where drafts of a model end before their length. 'auto', for sequences of `draftLength: 'auto'`: where costs and acceptance say
   * so. Default nowhere, but where a policy says so.
   */
  draftStop?: DraftStop | 'auto' | undefined
  /**
   * Read prompts in pieces between steps, target and draft, as much a step as lets it end within so many seconds where others wait for
   * it, though at least a piece of 64 tokens. Answers have the same bits. Default: a prompt is read at once as it joins.
   */
  maxStepSeconds?: number | undefined
  /** Seconds, for measuring. Default the system's clock. */
  now?: () => number
}

/**
 * Decodes sequences together that come and go, those that speculate and those that do not: each is drafted for as far as its own
 * policy says, one pass of the target reads what was drafted for all, and each keeps what it accepts. A greedy answer has the bits
 * that it has alone, and plainly; a sampled one has the target's distribution. A sequence for whose drafts the device has no memory goes on
 * plainly. The pass is over the rows that are tokens and no
 * others (of a model that `packs`). It is the caller's to dispose of; models stay the caller's.
 */
export class SpeculativeBatch {
  readonly #target: Target
  readonly #drafter: Drafter
  readonly #pass: BatchPass
  readonly #now: () => number
  readonly #cached: BatchCache<Member>
  readonly #scheduler: DraftScheduler | undefined
  readonly #line: PromptLine<Member> | undefined
  readonly #together: DraftsTogether
  /** Whether draft steps behind an early end are left out: no token depends on it. */
  readonly #skips: boolean
  /** The last step, which is learned from when the next begins. */
  #unlearned: { blocks: ScheduledBlock[]; begin: number; seconds: number | undefined } | undefined
  /** While a step is being queued: who has left meanwhile, and is freed when it is. */
  #leaving: Member[] | undefined
  /**
   * Told of a sequence that has failed alone, and has left; others go on: the device has no memory for its prompt as it is read between
   * steps, or the target's logits after its tokens are no numbers. One for which the draft's are goes on plainly. Default: the step
   * throws it.
   */
  onFailure: ((sequence: SpeculativeSequence, error: unknown) => void) | undefined

  /**
   * @throws OutriderError VOCABULARY_MISMATCH for a draft with other tokens than the target's; INVALID_ARGUMENT for a size or a stop
   *   that is none, or models on two devices
   */
  constructor({
    target,
    drafter,
    verification = 'block',
    size = 16,
    costs,
    draftStop,
    maxStepSeconds,
    now = () => performance.now() / 1000,
  }: SpeculativeBatchOptions) {
    this.#target = target
    this.#drafter = asDrafter(target, drafter)
    this.#now = now
    this.#cached = new BatchCache(target, size)
    this.#scheduler = costs && new DraftScheduler({ costs, stops: draftStop === 'auto' })
    this.#line = maxStepSeconds === undefined ? undefined : new PromptLine(maxStepSeconds)
    this.#skips = costs?.skippedSeconds === undefined || skipsPay(costs)
    this.#together = new DraftsTogether(size)
    this.#pass = new BatchPass({
      model: target.model,
      rule: verificationRule(verification),
      stop: draftStop === 'auto' ? undefined : checkedStop(draftStop),
      skips: this.#skips,
      together: this.#together,
    })
  }

  /** How many sequences are being decoded. */
  get count(): number {
    return this.#cached.sequences.size + (this.#line?.count ?? 0)
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
   * Memory that the caches that sequences share take at most, the target's and drafts', beside what they take now, until all who have joined
   * are in them, and if tokens are given one more sequence of so many; undefined for a model that does not say.
   */
  growth(tokens?: number): number | undefined {
    const own = this.#cached.growth(tokens)
    return own === undefined ? undefined : own + this.#together.growth(tokens)
  }

  /** Between steps: frees what drafts hold and can make again, where memory is short. */
  trim(): void {
    for (const { session } of this.#cached.sequences) session.trim?.()
  }

  /**
   * Reads a prompt and adds its sequence to the batch, from the next step on.
   *
   * @param prompt  ids, or a prompt that the target has read before, to which others may go on too
   * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW as `generate` does; INVALID_ARGUMENT for a γ out of range, or 'auto' without costs; DEVICE_LIMIT
   *   where it does not fit
   */
  join(prompt: readonly number[] | ReadPrompt, options: SpeculativeJoinOptions): SpeculativeSequence {
    this.#learn()
    const { draftLength, drafter } = options
    const policy = this.#policyOf(draftLength)
    const tokens = prompt instanceof ReadPrompt ? prompt.tokens : prompt
    const member = openMember(this.#target, tokens, {
      options,
      policy,
      drafter: drafter ? asDrafter(this.#target, drafter) : this.#drafter,
      together: this.#together,
      mayDraft: () => (policy ? draftLength !== 0 : this.#scheduler!.drafts(this.count)),
      assertFits: (places) => this.#cached.assertFits(places),
    })
    try {
      if (prompt instanceof ReadPrompt) this.#take(member, prompt)
      else {
        const reading = new PromptReading(this.#target, tokens, { prefixes: options.prefixes })
        if (this.#line) {
          this.#line.join(member, reading)
          this.#cached.reserve(member)
        } else this.#begin(member, reading)
      }
    } catch (error) {
      release(member)
      throw error
    }
    return member
  }

  /** Stops decoding a sequence. Of one that has ended or left, nothing happens. */
  leave(sequence: SpeculativeSequence): void {
    const member = sequence as Member
    this.#line?.leave(member)
    if (!this.#cached.remove(member)) return
    if (this.#leaving) this.#leaving.push(member)
    else release(member)
  }

  /**
   * Adds a block to each sequence, at least a token; those that end leave. Sequences may join and leave while it waits, but one step
   * ends before the next begins.
   *
   * @throws OutriderError NOT_FINITE where the logits of target or draft are no numbers, and nobody is told (`onFailure`); then the
   *   batch is to be disposed of
   */
  async step(): Promise<SequenceBlock[]> {
    if (this.count === 0) return []
    const { device } = this.#target.model
    const begin = this.#now()
    this.#learn(begin)
    const isRead = this.#readPrompts()
    if (this.#cached.sequences.size === 0) {
      // What would be queued ahead would hold up whoever comes next.
      await device.idle()
      this.#line!.observe(this.#now() - begin)
      return []
    }
    this.#cached.settle()
    const { turns, passes, verdicts } = await this.#enqueue()
    try {
      const told = await verdicts
      const steps = await Promise.all(
        turns.map(({ member }, i) => {
          const verdict = told[i]!
          if (verdict instanceof OutriderError) return verdict
          const { logits } = passes[i]!
          return logits ? scoredStep(stepOf(verdict), logits, member.scores!) : stepOf(verdict)
        }),
      )
      const here = turns.flatMap((turn, i) => {
        const step = steps[i]!
        // Others left while we waited.
        if (!this.#cached.sequences.has(turn.member)) return []
        return this.#keep(turn.member, step, passes[i]!.isDrafted) ? [{ ...turn, step }] : []
      })
      this.#rollBack(turns.map(({ member }) => member).filter((member) => this.#cached.sequences.has(member)))
      const seconds = this.#now() - begin
      this.#line?.observe(seconds)
      // A prompt that was read for a newcomer is in the step's seconds.
      const isMeasure = !isRead && turns.length === here.length && turns.every(({ member }) => !member.first)
      const blocks = here.filter(({ member }) => !member.first).map(blockOf)
      this.#unlearned = { blocks, begin, seconds: isMeasure ? seconds : undefined }
      return here.map((turn) => this.#told(turn, seconds))
    } finally {
      for (const { logits } of passes) logits?.dispose()
    }
  }

  /**
   * Compiles what batches need beside what `SpeculativeDecoder.warmUp` and `ContinuousBatch.warmUp` compile: passes over several
   * sequences of made-up tokens, of drafts of unequal lengths. Nobody may be in the batch; it is empty afterwards.
   *
   * @throws OutriderError ABORTED when the signal says so
   */
  async warmUp(options: Pick<WarmUpOptions, 'onProgress' | 'signal'> = {}): Promise<void> {
    await warmUpBatch(this, { ...options, target: this.#target, size: this.#cached.size })
  }

  /** Ends all sequences and frees what the batch holds. It is as usable as a new one. */
  dispose(): void {
    for (const member of [...this.#cached.sequences, ...(this.#line?.members ?? [])]) release(member)
    this.#line?.dispose()
    this.#together.dispose()
    this.#cached.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Queues a step of those who are there once what constraints wait for is drafted. */
  async #enqueue(): Promise<QueuedStep & { turns: Turn[] }> {
    const leaving: Member[] = []
    this.#leaving = leaving
    try {
      const drafting = await this.#pass.draft(this.#turns())
      const turns = drafting.filter(({ member }) => this.#cached.sequences.has(member))
      if (turns.length === 0) return { turns, passes: [], verdicts: Promise.resolve([]) }
      return { turns, ...(await this.#pass.enqueue(this.#cached.cache, turns)) }
    } finally {
      this.#leaving = undefined
      for (const member of leaving) release(member)
    }
  }

  /** Queues some of the prompts that wait, and whether there were any; those that have been read take part in the step. */
  #readPrompts(): boolean {
    if (!this.#line?.count) return false
    const { onFailure } = this
    const failed = onFailure && ((member: Member, error: unknown) => this.#fail(member, error, onFailure))
    const read = this.#line.read(this.#cached.sequences.size > 0, readAhead, failed)
    for (const { member, reading } of read)
      try {
        this.#begin(member, reading)
      } catch (error) {
        if (!failed || !isOutOfMemory(error)) throw error
        failed(member, error)
      }
    return true
  }

  /**
   * Keeps what a step has brought a sequence, whose own matter it is where there was nothing to draw from: it fails alone, or, since
   * what a draft says decides no token, goes on without one.
   *
   * @returns whether it has brought something
   */
  #keep(member: Member, step: Step | OutriderError, isDrafted: boolean): step is Step {
    const { tokens, session, processor } = member
    const { onFailure } = this
    try {
      if (step instanceof OutriderError) throw step
      processor?.accept(step.tokens)
    } catch (error) {
      if (!onFailure || !isNotFinite(error)) throw error
      if (isOfDraft(error)) silence(member)
      else this.#fail(member, error, onFailure)
      return false
    }
    const kept = tokens.length + step.accepted
    tokens.push(...step.tokens)
    if (isDrafted) session.keep(kept, step.drafted)
    return true
  }

  #fail(member: Member, error: unknown, told: (sequence: SpeculativeSequence, error: unknown) => void): void {
    this.#cached.remove(member)
    release(member)
    told(member, error)
  }

  /** Takes a sequence in whose prompt has been read, as far as it has not; the reading is freed. */
  #begin(member: Member, reading: PromptReading): void {
    try {
      reading.readAll()
      this.#take(member, reading)
    } finally {
      reading.dispose()
    }
  }

  #take(member: Member, { cache, cachedTokens, said: { logits } }: PromptReading | ReadPrompt): void {
    this.#cached.add(member, cache)
    member.cachedTokens = cachedTokens
    member.first = logits.reshape(logits.shape).keep()
  }

  /** @returns undefined where the scheduler chooses */
  #policyOf(draftLength: number | DraftLengthPolicy | 'auto'): DraftLengthPolicy | undefined {
    if (draftLength !== 'auto') return draftLengthPolicy(draftLength, '"auto", a policy,')
    if (this.#scheduler) return undefined
    throw new OutriderError('INVALID_ARGUMENT', 'draftLength is "auto", and the batch does not know what steps cost.', {
      remedy: 'Give it `costs`, as `measureCosts` measures them.',
    })
  }

  /** What is to be drafted for each; those that choose themselves first, for the scheduler goes by what they chose. */
  #turns(): Turn[] {
    const members = [...this.#cached.sequences]
    const offers = members.map((member) => this.#offersOf(member))
    const own = members.map(({ policy, first }, i) => (policy && !first ? policy.next(offers[i]!) : null))
    const scheduled = members.flatMap((member, i) =>
      member.policy || member.first ? [] : [{ sequence: member, offers: offers[i]! }],
    )
    const plan = this.#scheduler?.plan(scheduled, {
      sequences: members.filter(({ policy, first }) => policy && !first).length,
      choices: own.filter((choice) => choice !== null),
    })
    const choices = new Map(scheduled.map(({ sequence }, i) => [sequence, plan![i]!]))
    return members.map((member, i) => ({ member, choice: choices.get(member) ?? own[i]! }))
  }

  /** What could be drafted for a sequence. The first token is said by the prompt. */
  #offersOf({ first, drafter, session, tokens, answer }: Member): readonly Offer[] {
    if (first) return []
    // A block adds one token more than it drafts.
    const limit = Math.min(maxDraftLength, answer.room - 1)
    return offersOf(drafter, session, { tokens, limit })
  }

  /**
   * Learns from the last step. Where it was followed by this one, what was done with its tokens in between is part of what a step takes,
   * though no more than the step itself.
   *
   * @param now  left out where something else was done
   */
  #learn(now?: number): void {
    if (!this.#unlearned) return
    const { blocks, begin, seconds } = this.#unlearned
    this.#unlearned = undefined
    const taken = seconds && now !== undefined ? Math.min(now - begin, 2 * seconds) : seconds
    this.#scheduler?.observe(blocks, taken)
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
      const chosen = offer && { stop: choice!.stop, skips: this.#skips && !offer.together }
      const record = { ...step, offer, ...chosen, delivered: block.tokens.length, seconds }
      metrics.record(record)
      policy?.observe(record)
    }
    if (answer.finishReason) this.leave(member)
    return { sequence: member, ...block }
  }
}

const blockOf = ({ member, choice, step }: Turn & { step: Step }): ScheduledBlock => ({
  ...step,
  ...choice,
  sequence: member,
})

/** What drafts reads as much of a prompt as the target has, where it is likely to be asked. */
function readAhead(member: Member, { tokens, position }: PromptReading): void {
  if (!member.mayDraft()) return
  try {
    member.session.read?.(tokens, position)
  } catch (error) {
    if (!isOutOfMemory(error)) throw error
    silence(member)
  }
}
