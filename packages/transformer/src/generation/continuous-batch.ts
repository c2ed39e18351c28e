import { OutriderError, slice, type Tensor } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { Answer } from './answer'
import { BatchCache, type CachedSequence, slotsFor } from './batch-cache'
import { defaultMaxTokens, type GenerateOptions, throwIfAborted } from './generate'
import { checkedCount, type ScoredToken, scoreTokens } from './log-probabilities'
import { LogitsProcessor } from './logits-processor'
import { isOutOfMemory } from './out-of-memory'
import { checkPrompt } from './prompt'
import { PromptLine } from './prompt-line'
import { PromptReading } from './prompt-reading'
import { ReadPrompt } from './read-prompt'
import { rowsTogether } from './rows-together'
import { assertOpen, dispose, type Said, say, shared } from './said'
import { drawnToken, isNotFinite } from './sample'
import { type RowsToSample, sampleRows } from './sample-rows'
import { resolveSampling, type Sampling } from './sampling-options'
import { longSequence, madeUpTokens, type WarmUpOptions, warmUp } from './warm-up'

export interface ContinuousBatchOptions {
  /** The most sequences decoded at once. Default 16: weights are read once for so many rows. */
  size?: number | undefined
  /**
   * Give with every token the hidden states that it was said from; default false. Of a model that shows them as it decodes
   * (`decodesOpenly`).
   */
  hiddenStates?: boolean | undefined
  /**
   * Read prompts in pieces between steps, as much a step as lets it end within so many seconds where others wait for it, though at
   * least a piece of 64 tokens. Answers have the same bits. Default: a prompt is read at once as it joins.
   */
  maxStepSeconds?: number | undefined
  /** Seconds, for measuring. Default the system's clock. */
  now?: (() => number) | undefined
}

/** A sequence that a batch decodes. */
export interface BatchSequence {
  /** What has been answered so far. */
  readonly answer: Answer
  readonly promptTokens: number
  /** Those of them that were known, and not read (`prefixes`); 0 before the prompt has been read. */
  readonly cachedTokens: number
}

/** What a step of the batch added to one sequence. */
export interface BatchToken {
  sequence: BatchSequence
  token: number
  /** The text that has become certain with it. */
  text: string
  /** With `logProbabilities`: what the model thought of the token. */
  scored?: ScoredToken
  /**
   * With `hiddenStates`: what the head read for it, bits of f16 [hidden], and a zero where that is odd. What another pass computes for
   * the place, of other rows, may differ in last digits.
   */
  hidden?: Uint16Array
}

interface Member extends BatchSequence, CachedSequence {
  readonly sampling: Sampling
  readonly processor: LogitsProcessor | undefined
  readonly scores: number | undefined
  cachedTokens: number
  /** What is said of its next token: a row of the batch's, or of its own if it has just joined. */
  said: { of: Said; row: number } | undefined
  /** Tokens drawn so far. */
  drawn: number
}

/**
 * Decodes sequences together that come and go: weights are read once a step for all. Each answer is what `generate` gives for
 * its prompt, sampling and seed alone, whoever else is there. Prompts are read one by one as they join,
 * or once for several (`ReadPrompt`). The cache has room for
 * those who are there: it grows with the batch and shrinks with it, and is freed with the last.
 */
export class ContinuousBatch {
  readonly size: number
  readonly #hiddenStates: boolean
  readonly #pretrained: PretrainedModel<CausalLM>
  readonly #cached: BatchCache<Member>
  readonly #line: PromptLine<Member> | undefined
  readonly #now: () => number
  /**
   * Told of a sequence that has failed alone, and has left; others go on: the device has no memory for its prompt as it is read between
   * steps, or the model's logits after its tokens are no numbers. Default: the step throws it.
   */
  onFailure: ((sequence: BatchSequence, error: unknown) => void) | undefined
  #said: Said | undefined

  /** @throws OutriderError INVALID_ARGUMENT for a size that is none; where hidden states are wanted of a model that shows none */
  constructor(
    pretrained: PretrainedModel<CausalLM>,
    {
      size = 16,
      hiddenStates = false,
      maxStepSeconds,
      now = () => performance.now() / 1000,
    }: ContinuousBatchOptions = {},
  ) {
    this.#cached = new BatchCache(pretrained, size)
    if (hiddenStates) assertOpen(pretrained.model)
    this.size = size
    this.#hiddenStates = hiddenStates
    this.#pretrained = pretrained
    this.#line = maxStepSeconds === undefined ? undefined : new PromptLine(maxStepSeconds)
    this.#now = now
  }

  get #members(): ReadonlySet<Member> {
    return this.#cached.sequences
  }

  /** How many sequences are being decoded. */
  get count(): number {
    return this.#members.size + (this.#line?.count ?? 0)
  }

  /** The most tokens, prompt and answer, that a sequence can have: the model's context, or what one binding holds. */
  get longest(): number {
    return this.#cached.longest
  }

  /** Whether a sequence of so many tokens, prompt and answer, can join now. */
  fits(tokens: number): boolean {
    return this.#cached.fits(tokens)
  }

  /**
   * Memory that the cache takes at most, beside what it takes now, until all who have joined are in it, and if tokens are given one more
   * sequence of so many; undefined for a model that does not say.
   */
  growth(tokens?: number): number | undefined {
    return this.#cached.growth(tokens)
  }

  /**
   * Reads a prompt and adds its sequence to the batch, from the next step on.
   *
   * @param prompt  ids, or a prompt that was read before, to which others may go on too
   * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW as `generate` does; DEVICE_LIMIT where it does not fit
   */
  join(
    prompt: readonly number[] | ReadPrompt,
    { maxTokens = defaultMaxTokens, stop, logProbabilities, constraint, prefixes, ...options }: GenerateOptions,
  ): BatchSequence {
    const { config, tokenizer, generationConfig } = this.#pretrained
    const tokens = prompt instanceof ReadPrompt ? prompt.tokens : prompt
    if (this.#hiddenStates && prompt instanceof ReadPrompt && !prompt.said.hidden)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        'The prompt was read without the hidden states that the batch gives.',
        {
          remedy: 'Read it with { hiddenStates: true }.',
        },
      )
    checkPrompt(config, tokens)
    const sampling = resolveSampling(options)
    const scores = checkedCount(logProbabilities)
    const room = Math.min(maxTokens, config.contextLength - tokens.length)
    const answer = new Answer(tokenizer, {
      prompt: tokens,
      eosTokenIds: generationConfig.eosTokenIds,
      stop,
      maxTokens: room,
    })
    const places = tokens.length + room
    this.#cached.assertFits(places)
    const processor = LogitsProcessor.of(this.#pretrained, { sampling, prompt: tokens, constraint })
    const member: Member = {
      answer,
      promptTokens: tokens.length,
      sampling,
      processor,
      scores,
      cachedTokens: 0,
      places,
      slot: -1,
      said: undefined,
      drawn: 0,
    }
    const reading = { hiddenStates: this.#hiddenStates, prefixes }
    let read: ReadPrompt | undefined
    try {
      if (this.#line && !(prompt instanceof ReadPrompt)) {
        this.#line.join(member, new PromptReading(this.#pretrained, prompt, reading))
        this.#cached.reserve(member)
        return member
      }
      read = prompt instanceof ReadPrompt ? prompt : new ReadPrompt(this.#pretrained, prompt, reading)
      member.cachedTokens = read.cachedTokens
      this.#cached.add(member, read.cache)
      member.said = { of: shared(read.said), row: 0 }
    } catch (error) {
      processor?.dispose()
      throw error
    } finally {
      if (read !== prompt) read?.dispose()
    }
    return member
  }

  /** Stops decoding a sequence. Of one that has ended or left, nothing happens. */
  leave(sequence: BatchSequence): void {
    const member = sequence as Member
    this.#line?.leave(member)
    if (!this.#cached.remove(member)) return
    if (member.said && member.said.of !== this.#said) dispose(member.said.of)
    member.processor?.dispose()
    if (this.count === 0) this.#forget()
  }

  /**
   * Adds one token to each sequence; those that end leave. Sequences may join and leave while it waits, but one step ends
   * before the next begins.
   *
   * @throws OutriderError NOT_FINITE where the model's logits are no numbers, and nobody is told (`onFailure`); then the batch is to be
   *   disposed of
   */
  async step(): Promise<BatchToken[]> {
    if (this.count === 0) return []
    const { device } = this.#pretrained.model
    const began = this.#now()
    this.#readPrompts()
    const members = [...this.#members]
    if (members.length === 0) {
      // What would be queued ahead would hold up whoever comes next.
      await device.idle()
      this.#line!.observe(this.#now() - began)
      return []
    }
    const drawn = device.scope(() => sampleRows(members.map(toSample))) // u32 [members]
    const scoring = members.map((member, i) =>
      member.scores === undefined
        ? undefined
        : device.scope(() => scoreTokens(rowOf(member), slice(drawn, { start: i, count: 1 }), member.scores!)),
    )
    const from = this.#hiddenStates ? [...new Set(members.map(({ said }) => said!.of))] : []
    const rows = members.map(({ said }) => said!)
    const reading = Promise.all([device.read([drawn, ...from.map(({ hidden }) => hidden!)]), Promise.all(scoring)])
    try {
      // The next pass needs the tokens only on the device: it is queued before they are known here.
      this.#queueNext(members, drawn)
    } finally {
      drawn.dispose()
    }
    const [[ids, ...hidden], scores] = await reading
    const words = new Uint32Array(ids!)
    this.#line?.observe(this.#now() - began)
    const tokens: BatchToken[] = []
    for (const [i, member] of members.entries()) {
      if (!this.#members.has(member)) continue // left while we waited
      const states = this.#hiddenStates && hidden[from.indexOf(rows[i]!.of)]!
      try {
        tokens.push({
          ...this.#add(member, drawnToken(words[i]!)),
          ...(scores[i] && { scored: scores[i][0]! }),
          ...(states && { hidden: halvesOf(states, rows[i]!) }),
        })
      } catch (error) {
        this.#failAlone(member, error)
      }
    }
    return tokens
  }

  /**
   * Compiles what batches need, by prompts of every length and steps of 1, 2, 4 … sequences of made-up tokens, some greedy and
   * some drawn: every size has kernels of its own. Nobody may be in the batch; it is empty afterwards.
   *
   * @throws OutriderError ABORTED when the signal says so
   */
  async warmUp({
    onProgress,
    signal,
    logProbabilities,
  }: Pick<WarmUpOptions, 'onProgress' | 'signal' | 'logProbabilities'> = {}): Promise<void> {
    const { model, config } = this.#pretrained
    const { device } = model
    const sizes = [1, 2, 4, 8, 16].filter((count) => count <= slotsFor(this.size))
    let total = sizes.length
    // Prompts of all lengths, which a batch reads one by one.
    await warmUp(model, {
      signal,
      logProbabilities,
      temperature: 1,
      topP: 0.9,
      onProgress: (plain) => {
        total = plain.total + sizes.length
        onProgress?.({ ...plain, total })
      },
    })
    try {
      for (const [i, size] of sizes.entries()) {
        throwIfAborted(signal)
        // Long sequences of a batch have kernels of their own, whatever its size.
        const maxTokens = size <= 2 ? longSequence : 2
        for (let member = 0; member < Math.min(size, this.size); member++) {
          // Unequal lengths, for a batch whose sequences begin at one place is read by other kernels.
          const prompt = madeUpTokens(Math.min(1 + (member % 2), config.contextLength - 2), config.vocabularySize)
          this.join(prompt, { maxTokens, temperature: member % 2, topP: 0.9, presencePenalty: 0.1 })
          // A device that has much to do hears of no end before it has done it.
          await device.idle()
          throwIfAborted(signal)
        }
        for (let step = 0; step < 2; step++) await this.step()
        await device.idle()
        this.dispose()
        onProgress?.({ done: total - sizes.length + i + 1, total, pipelines: device.counters.pipelines })
      }
    } finally {
      this.dispose()
    }
  }

  /** Ends all sequences and frees what the batch holds. It is as usable as a new one. */
  dispose(): void {
    for (const { said, processor } of [...this.#members, ...(this.#line?.members ?? [])]) {
      if (said && said.of !== this.#said) dispose(said.of)
      processor?.dispose()
    }
    this.#forget()
    this.#line?.dispose()
    this.#cached.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Queues some of the prompts that wait; those that have been read take part in the step. */
  #readPrompts(): void {
    const { onFailure } = this
    const failed = onFailure && ((member: Member, error: unknown) => this.#fail(member, error, onFailure))
    for (const { member, reading } of this.#line?.read(this.#members.size > 0, undefined, failed) ?? []) {
      try {
        this.#cached.add(member, reading.cache)
        member.said = { of: shared(reading.said), row: 0 }
        member.cachedTokens = reading.cachedTokens
      } catch (error) {
        if (!failed || !isOutOfMemory(error)) throw error
        failed(member, error)
      } finally {
        reading.dispose()
      }
    }
  }

  #fail(member: Member, error: unknown, told: (sequence: BatchSequence, error: unknown) => void): void {
    this.#cached.remove(member)
    member.processor?.dispose()
    told(member, error)
  }

  /** Where somebody is told, a sequence for which there is nothing to draw from leaves, and others go on. */
  #failAlone(member: Member, error: unknown): void {
    if (!this.onFailure || !isNotFinite(error)) throw error
    this.leave(member)
    this.onFailure(member, error)
  }

  #add(member: Member, token: number): BatchToken {
    const text = member.answer.push(token)
    if (member.answer.finishReason) this.leave(member)
    else member.processor?.accept([token])
    return { sequence: member, token, text }
  }

  /** Queues the pass that reads the tokens drawn, for those who may take another. */
  #queueNext(members: readonly Member[], drawn: Tensor): void {
    const { model } = this.#pretrained
    for (const member of members) {
      if (member.said!.of !== this.#said) dispose(member.said!.of)
      member.said = undefined
      member.drawn++
    }
    this.#forget()
    const going = members.filter(({ answer }) => answer.room > 1)
    if (going.length === 0) return
    this.#cached.settle()
    const { cache } = this.#cached
    this.#said = model.device.scope(() => {
      const counts = Array.from({ length: cache.batchSize }, () => 0)
      for (const { slot } of going) counts[slot] = 1
      const ids = drawn.reshape([members.length, 1])
      const nobody = going.length < counts.length ? model.device.zeros([counts.length, 1], 'u32') : ids
      const slots = counts.map((_, slot) => ({ x: nobody, start: slot }))
      for (const [i, { slot, answer }] of members.entries()) if (answer.room > 1) slots[slot] = { x: ids, start: i }
      const tokens = rowsTogether(slots) // u32 [slots, 1]
      return say(model, tokens, { cache, counts }, this.#hiddenStates)
    })
    for (const member of going) member.said = { of: this.#said, row: member.slot }
    model.device.flush()
  }

  #forget(): void {
    if (this.#said) dispose(this.#said)
    this.#said = undefined
  }
}

const rowOf = ({ said }: Member): Tensor => slice(said!.of.logits, { start: said!.row, count: 1 }) // [1, vocabulary]

/** A row of hidden states that were read. */
function halvesOf(read: ArrayBuffer, { of, row }: NonNullable<Member['said']>): Uint16Array {
  const halves = 2 * of.hidden!.shape[1]!
  return new Uint16Array(read).slice(row * halves, (row + 1) * halves)
}

/** How a member's next token is drawn, and from what. */
function toSample(member: Member): RowsToSample {
  const { said, processor, sampling, drawn } = member
  const rows = processor ? { x: processor.next(rowOf(member)) } : { x: said!.of.logits, start: said!.row }
  return { ...rows, sampling, offset: drawn }
}
