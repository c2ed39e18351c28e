import { SpeculationMetrics, SpeculativeDecoder, type StepCosts, type TokenSource } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import {
  type CausalLM,
  type ChatMessage,
  type FinishReason,
  generate,
  PrefixCache,
  type PretrainedModel,
  promptTokens,
  type WarmUpProgress,
  warmUp,
} from '@outrider/transformer'
import type { Learning } from '../draft/learning'
import { type Advice, LookupAdvice } from '../draft/lookup-advice'
import { drafterOf, type OpenDraft } from '../draft/open-draft'
import { processingOf } from '../options/processing'
import { Conversation } from './conversation'
import type { ChatSettings } from './settings'

/** Text of an answer as it comes, and where it came from. */
export interface AnswerPiece {
  text: string
  source: TokenSource
  /** Who drafted it, as in `TextPiece`. */
  drafter?: string
}

/** What came out of a question. */
export interface ChatAnswer {
  text: string
  tokens: number
  /** Tokens after the first, over the time from the first to the last; 0 for a single one. */
  tokensPerSecond: number
  /** 'stopped': the user did not want to hear more. */
  finishReason: FinishReason | 'stopped'
  /** Whether it ended because the context is full. */
  contextFull: boolean
  /** Figures of this answer, where a draft was used. */
  speculation: SpeculationMetrics | undefined
  /** That another way would be faster; said once. */
  advice?: Advice | undefined
}

/** A conversation with a model, with or without a draft, and the settings of the next answer. */
export class ChatSession {
  readonly target: PretrainedModel<CausalLM>
  readonly draft: OpenDraft | undefined
  readonly learning: Pick<Learning, 'answers' | 'add'> | undefined
  readonly settings: ChatSettings
  readonly conversation: Conversation
  #counted: SpeculationMetrics | undefined
  /** Measured by the first decoder that does, for all. */
  #costs: StepCosts | undefined
  /** What automatic draft lengths have learnt is kept while another length is tried. */
  readonly #decoders = new Map<string, SpeculativeDecoder>()
  #advice: LookupAdvice | undefined
  /** So that a turn reads only what is new of the conversation. */
  readonly #prefixes = new PrefixCache()

  constructor(options: {
    target: PretrainedModel<CausalLM>
    draft?: OpenDraft | undefined
    settings: ChatSettings
    system?: string | undefined
    learning?: Pick<Learning, 'answers' | 'add'> | undefined
  }) {
    this.target = options.target
    this.draft = options.draft
    this.learning = options.learning
    this.settings = options.settings
    this.conversation = new Conversation(undefined)
    if (this.draft) this.#counted = this.#newMetrics() // a draft that does not fit is refused before the first question
    if (options.system !== undefined) this.setSystem(options.system)
  }

  /** Figures of all answers for which something drafted. */
  get speculation(): SpeculationMetrics | undefined {
    return this.#counted?.withCosts(this.#costs)
  }

  /** Whether the next answer has something that drafts. */
  get drafts(): boolean {
    return this.settings.drafting && (this.settings.lookup || this.draft?.model !== undefined)
  }

  /**
   * Changes the system message, from the next answer on.
   *
   * @throws OutriderError INVALID_ARGUMENT where the chat template takes none; the old one stays
   */
  setSystem(system: string | undefined): void {
    if (system !== undefined)
      this.target.chatTemplate?.render([
        { role: 'system', content: system },
        { role: 'user', content: '?' },
      ])
    this.conversation.system = system
  }

  /** Compiles what answering needs, with the settings as they are, and measures what steps cost. */
  async warmUp(onProgress: (progress: WarmUpProgress) => void, signal: AbortSignal): Promise<void> {
    const options = { ...this.settings, onProgress, signal }
    if (!this.drafts) return warmUp(this.target.model, options)
    await this.#decoder().warmUp(options)
    this.#costs = await this.#decoder().measureCosts({ ...this.settings, signal })
  }

  /** Frees what it keeps of the conversation on the device; models stay the caller's. */
  dispose(): void {
    this.#prefixes.dispose()
  }

  /** Exchanges that have to be left out so that the question, the last message, leaves room for an answer. */
  fit(): number {
    const context = this.target.config.contextLength
    const room = Math.min(this.settings.maxTokens, Math.ceil(context / 4))
    return this.conversation.fit((messages) => this.#lengthOf(messages), { limit: context - room, context })
  }

  /**
   * Answers the last message, and adds the answer to the conversation. Stopped by its signal, it keeps what was said.
   *
   * @throws OutriderError as generating does; the question is taken back then
   */
  async answer(onPiece: (piece: AnswerPiece) => void, signal: AbortSignal): Promise<ChatAnswer> {
    const metrics = this.drafts ? this.#newMetrics() : undefined
    let [text, tokens, first, last] = ['', 0, 0, 0]
    let finishReason: ChatAnswer['finishReason'] = 'stopped'
    let promptLength = 0
    let ids: readonly number[] | undefined
    const { sent } = this.conversation
    const stream = this.#stream(metrics, signal)
    try {
      for (;;) {
        const { done, value } = await stream.next()
        if (done) {
          finishReason = value.finishReason
          promptLength = value.promptTokens
          ids = value.tokens
          break
        }
        last = performance.now()
        first ||= last
        tokens += value.tokens
        for (const piece of value.pieces) {
          text += piece.text
          onPiece(piece)
        }
      }
    } catch (error) {
      const stopped = error instanceof OutriderError && error.code === 'ABORTED'
      if (!stopped) this.conversation.takeBack()
      if (!stopped) throw error
    }
    if (finishReason === 'stopped' && text === '') this.conversation.takeBack()
    else this.conversation.answer(text)
    if (metrics) {
      this.#costs ??= this.#decoder().costs
      this.#counted ??= this.#newMetrics()
      this.#counted.add(metrics)
    }
    if (ids) this.learning?.add(ids)
    return {
      text,
      tokens,
      advice: ids && !this.settings.lookup ? this.#advise(sent, ids) : undefined,
      tokensPerSecond: tokens > 1 ? ((tokens - 1) * 1000) / (last - first) : 0,
      finishReason,
      contextFull: finishReason === 'length' && promptLength + tokens >= this.target.config.contextLength,
      speculation: metrics?.withCosts(this.#costs),
    }
  }

  async *#stream(metrics: SpeculationMetrics | undefined, signal: AbortSignal) {
    const { temperature, topK, topP, seed, maxTokens } = this.settings
    const { sent, messages } = this.conversation
    const drawing = { temperature, topK, topP, ...processingOf(this.settings), seed: (seed ?? 0) + messages.length }
    const options = { ...drawing, maxTokens, signal, prefixes: this.#prefixes.of() }
    if (metrics) {
      const blocks = this.#decoder().generate(sent, { ...options, metrics, reproducible: seed !== undefined })
      for await (const { tokens, pieces } of blocks) yield { tokens: tokens.length, pieces }
      return blocks.result
    }
    const plain = generate(this.target, sent, options)
    for await (const { text } of plain)
      yield { tokens: 1, pieces: text === '' ? [] : [{ text, source: 'plain' as const }] }
    return plain.result
  }

  #advise(sent: ChatMessage[], tokens: readonly number[]): Advice | undefined {
    this.#advice ??= new LookupAdvice(this.target, { draft: this.draft, costs: this.speculation?.costs })
    return this.#advice.after({ prompt: promptTokens(this.target, sent), tokens })
  }

  #decoder(): SpeculativeDecoder {
    const { draftLength, draftStop, verification, lookup, seed, temperature } = this.settings
    // What is drawn by a seed repeats itself tomorrow, when other costs are measured, and more was learnt.
    const repeats = seed !== undefined && temperature > 0
    const learnt = repeats ? undefined : this.learning?.answers
    const answers = learnt ?? (this.learning ? undefined : this.draft?.answers)
    const name = `${draftLength} ${lookup} ${repeats}`
    let decoder = this.#decoders.get(name)
    if (!decoder) {
      const drafter = drafterOf({ answers, model: this.draft?.model, lookup }, { draftLength })
      const costs = repeats ? undefined : this.#costs
      const { target } = this
      decoder = new SpeculativeDecoder({ target, drafter, draftLength, draftStop, verification, costs })
      this.#decoders.set(name, decoder)
    }
    return decoder
  }

  #newMetrics(): SpeculationMetrics {
    return new SpeculationMetrics({ parameterRatio: this.#decoder().metrics.parameterRatio })
  }

  #lengthOf(messages: ChatMessage[]): number {
    try {
      return promptTokens(this.target, messages).length
    } catch (error) {
      if (error instanceof OutriderError && error.code === 'CONTEXT_OVERFLOW') return Number(error.details.promptTokens)
      throw error
    }
  }
}
