import { OutriderError, slice, type Tensor } from '@outrider/tensor'
import {
  Answer,
  BatchCache,
  type CachedSequence,
  checkedCount,
  checkPrompt,
  type GenerateOptions,
  LogitsProcessor,
  PromptLine,
  PromptReading,
  prefillPositions,
  resolveSampling,
  type Sampling,
  sampleTokens,
  scoreTokens,
  throwIfAborted,
  type WarmUpOptions,
} from '@outrider/transformer'
import { AnswerBlocks } from '../answer-blocks'
import type { Block } from '../block'
import type { Target } from '../decoder'
import { type DraftChoice, type DraftLengthPolicy, draftLengthPolicy, maxDraftLength } from '../draft-length/policy'
import { type StepCosts, skipsPay } from '../draft-length/step-costs'
import { asDrafter } from '../drafter/as-drafter'
import { checkedStop, type DraftStop } from '../drafter/draft-stop'
import { type Draft, type Drafter, type DraftSession, type Offer, offersOf } from '../drafter/drafter'
import { madeUpDrafts } from '../drafter/made-up-drafts'
import { SpeculationMetrics } from '../metrics'
import type { Step } from '../sequence'
import { stepCounters } from '../step-counters'
import { type Verification, verificationRule } from '../verification/by-name'
import { judged, uniforms } from '../verification/passes'
import type { VerificationRule } from '../verification/rule'
import { plainVerdict, readVerdict } from '../verification/verify'
import { DraftScheduler } from './draft-scheduler'
import { warmUpRounds } from './warm-up-rounds'

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

export interface SpeculativeJoinOptions extends GenerateOptions {
  /**
   * γ, 0 to 15, or a policy, which are obeyed; 0 decodes plainly. 'auto', of a batch that knows `costs`: in every step as far as it
   * brings all sequences together the most tokens a second, by clock and load. An answer with a seed repeats itself under a policy that looks at no clock, and is
   * then the one that `SpeculativeDecoder` gives alone under it. A policy may be shared by several sequences.
   */
  draftLength: number | DraftLengthPolicy | 'auto'
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
 * that it has alone, and plainly; a sampled one has the target's distribution. The pass is over the rows that are tokens and no
 * others (of a model that `packs`). It is the caller's to dispose of; models stay the caller's.
 */
export class SpeculativeBatch {
  readonly #target: Target
  readonly #drafter: Drafter
  readonly #rule: VerificationRule
  readonly #now: () => number
  readonly #cached: BatchCache<Member>
  readonly #scheduler: DraftScheduler | undefined
  readonly #line: PromptLine<Member> | undefined
  readonly #stop: DraftStop | undefined
  /** Whether draft steps behind an early end are left out: no token depends on it. */
  readonly #skips: boolean

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
    this.#rule = verificationRule(verification)
    this.#now = now
    this.#cached = new BatchCache(target, size)
    this.#scheduler = costs && new DraftScheduler({ costs, stops: draftStop === 'auto' })
    this.#line = maxStepSeconds === undefined ? undefined : new PromptLine(maxStepSeconds)
    this.#stop = draftStop === 'auto' ? undefined : checkedStop(draftStop)
    this.#skips = costs?.skippedSeconds === undefined || skipsPay(costs)
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
   * Reads a prompt and adds its sequence to the batch, from the next step on.
   *
   * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW as `generate` does; INVALID_ARGUMENT for a γ out of range, or 'auto' without costs; DEVICE_LIMIT
   *   where it does not fit
   */
  join(prompt: readonly number[], options: SpeculativeJoinOptions): SpeculativeSequence {
    const { maxTokens = 256, stop, logProbabilities, draftLength, drafter, constraint, ...drawing } = options
    const { config, tokenizer, generationConfig, model } = this.#target
    checkPrompt(config, prompt)
    const sampling = resolveSampling(drawing)
    const scores = checkedCount(logProbabilities)
    const policy = this.#policyOf(draftLength)
    const drafts = drafter ? asDrafter(this.#target, drafter) : this.#drafter
    const room = Math.min(maxTokens, config.contextLength - prompt.length)
    const places = prompt.length + room
    this.#cached.assertFits(places)
    const { eosTokenIds } = generationConfig
    const answer = new Answer(tokenizer, { prompt, eosTokenIds, stop, maxTokens: room })
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
      mayDraft: () => (policy ? draftLength !== 0 : this.#scheduler!.drafts),
      session: drafts.open({ device: model.device, vocabularySize, capacity: places }),
    }
    try {
      const reading = new PromptReading(this.#target, prompt)
      if (this.#line) {
        this.#line.join(member, reading)
        this.#cached.reserve(member)
      } else this.#begin(member, reading)
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
    const isRead = this.#readPrompts()
    if (this.#cached.sequences.size === 0) {
      // What would be queued ahead would hold up whoever comes next.
      await device.idle()
      this.#line!.observe(this.#now() - begin)
      return []
    }
    this.#cached.settle()
    const turns = this.#turns()
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
      this.#line?.observe(seconds)
      // A prompt that was read for a newcomer is in the step's seconds.
      const isMeasure = !isRead && turns.length === here.length && turns.every(({ member }) => !member.first)
      this.#learn(here, isMeasure ? seconds : undefined)
      return here.map((turn) => this.#told(turn, seconds))
    } finally {
      for (const { result, logits } of passes) {
        result.dispose()
        logits?.dispose()
      }
    }
  }

  /**
   * Compiles what batches need beside what `SpeculativeDecoder.warmUp` and `ContinuousBatch.warmUp` compile: passes over several
   * sequences of made-up tokens, of drafts of unequal lengths. Nobody may be in the batch; it is empty afterwards.
   *
   * @throws OutriderError ABORTED when the signal says so
   */
  async warmUp({ onProgress, signal }: Pick<WarmUpOptions, 'onProgress' | 'signal'> = {}): Promise<void> {
    const { model } = this.#target
    const rounds = warmUpRounds(this.#cached, this.#target.config)
    try {
      for (const [i, sequences] of rounds.entries()) {
        throwIfAborted(signal)
        for (const { prompt, ...options } of sequences)
          if (this.fits(prompt.length + options.maxTokens)) this.join(prompt, { ...options, drafter: madeUpDrafts })
        // What the prompts say, and a block.
        for (let step = 0; step < 2; step++) await this.step()
        this.dispose()
        await model.device.idle()
        onProgress?.({ done: i + 1, total: rounds.length, pipelines: model.device.counters.pipelines })
      }
    } finally {
      this.dispose()
    }
  }

  /** Ends all sequences and frees what the batch holds. It is as usable as a new one. */
  dispose(): void {
    for (const member of [...this.#cached.sequences, ...(this.#line?.members ?? [])]) release(member)
    this.#line?.dispose()
    this.#cached.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Queues some of the prompts that wait, and whether there were any; those that have been read take part in the step. */
  #readPrompts(): boolean {
    if (!this.#line?.count) return false
    const read = this.#line.read(this.#cached.sequences.size > 0, ({ session, mayDraft }, { tokens, position }) => {
      if (mayDraft()) session.read?.(tokens, position)
    })
    for (const { member, reading } of read) this.#begin(member, reading)
    return true
  }

  /** Takes a sequence in whose prompt has been read, as far as it has not; the reading is freed. */
  #begin(member: Member, reading: PromptReading): void {
    try {
      while (!reading.isRead) reading.read(prefillPositions)
      this.#cached.add(member, reading.cache)
      const { logits } = reading.said
      member.first = logits.reshape(logits.shape).keep()
    } finally {
      reading.dispose()
    }
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

  /** Queues the drafts, one pass of the target over them all, and the verdicts. */
  async #enqueue(turns: readonly Turn[]): Promise<Pass[]> {
    const { device } = this.#target.model
    const { drafts, logits, reading } = device.scope(() => {
      const drafts = turns.map(({ member, choice }) => choice && this.#draft(member, choice))
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

  #draft({ session, tokens, sampling, processor, steps }: Member, choice: DraftChoice): Draft | null {
    const stop = choice.stop ?? this.#stop
    const ending = { ...(choice.offer.stops && { stop }), skips: this.#skips }
    return session.draft({ tokens, ...choice, ...ending, sampling, processor, offset: stepCounters(steps).drafts })
  }

  /** The logits of each sequence, f32 [γ + 1, V], by one pass over the last tokens and the drafts of all but the newcomers. */
  #read(turns: readonly Turn[], drafts: readonly (Draft | null)[]): Tensor[] {
    const { model } = this.#target
    const { cache } = this.#cached
    const rowsOf = turns.map(({ member }, i) => (member.first ? 0 : 1 + (drafts[i] ? lengthOf(drafts[i]) : 0)))
    const counts = Array.from({ length: cache.batchSize }, () => 0)
    for (const [i, { member }] of turns.entries()) counts[member.slot] = rowsOf[i]!
    const most = Math.max(...counts)
    if (most === 0) return turns.map(({ member }) => alias(member.first!))
    const packed = model.packs === true
    // The first row of every slot.
    const starts: number[] = []
    let rows = 0
    for (const count of counts) {
      starts.push(rows)
      rows += packed ? count : most
    }
    const known = new Uint32Array(rows)
    for (const [i, { member }] of turns.entries()) {
      if (member.first) continue
      const draft = drafts[i]
      known[starts[member.slot]!] = member.tokens.at(-1)!
      if (draft && 'ids' in draft) known.set(draft.ids, starts[member.slot]! + 1)
    }
    const tokens = model.device.tensor(known, { shape: packed ? [1, rows] : [counts.length, most] })
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

  /** @param seconds  undefined where the step is no measure of what was in it */
  #learn(turns: readonly (Turn & { step: Step })[], seconds: number | undefined): void {
    const blocks = turns
      .filter(({ member }) => !member.first)
      .map(({ member, choice, step }) => ({ ...step, ...choice, sequence: member }))
    this.#scheduler?.observe(blocks, seconds)
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
      const chosen = offer && { stop: choice!.stop, skips: this.#skips }
      const record = { ...step, offer, ...chosen, delivered: block.tokens.length, seconds }
      metrics.record(record)
      policy?.observe(record)
    }
    if (answer.finishReason) this.leave(member)
    return { sequence: member, ...block }
  }
}

interface Member extends SpeculativeSequence, CachedSequence {
  readonly sampling: Sampling
  readonly processor: LogitsProcessor | undefined
  readonly scores: number | undefined
  /** Undefined where the scheduler chooses. */
  readonly policy: DraftLengthPolicy | undefined
  readonly drafter: Drafter
  /** Whether it is likely to be drafted for, so that its drafter is to read the prompt. */
  readonly mayDraft: () => boolean
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
