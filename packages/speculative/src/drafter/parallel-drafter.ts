import { OutriderError, slice, type Tensor } from '@outrider/tensor'
import {
  type CausalLM,
  type Prefixes,
  prefill,
  prefillPrompt,
  RepeatedStep,
  RepeatedSteps,
} from '@outrider/transformer'
import { drawConstrained } from './constrained-draft'
import { DraftPlace } from './draft-place'
import { DraftRows, mostUnread } from './draft-rows'
import type { DraftRequest, DraftSession, DrawnDraft, Offer, SessionOptions } from './drafter'
import { ParallelDraftGroup } from './parallel-draft-group'

/**
 * Drafts a block of K tokens in one pass (PARD, An et al. 2025, arXiv 2504.18583): the model reads the tokens that it has not read,
 * and behind them K − 1 times the token that stands for what is not drafted yet. The last K rows are p₁ … p_K, each given the text
 * alone, and each token is drawn from its own row. The cache keeps what was read, never the masks. In a batch the pass is over all
 * sequences.
 */
export class ParallelDraftSession implements DraftSession {
  readonly #model: CausalLM
  readonly #maskTokenId: number
  readonly #place: DraftPlace
  readonly #vocabularySize: number
  readonly #prefixes: Prefixes | undefined
  /** With whom it drafts, of a batch. */
  readonly #group: ParallelDraftGroup | undefined
  /** By the number of tokens. */
  readonly #blocks = new RepeatedSteps<Block>()
  #made = 0
  /** By the block that they write, and the number of unread tokens. */
  readonly #passes = new RepeatedSteps<Pass>(mostUnread)

  /** @throws OutriderError INVALID_ARGUMENT for a mask that the model has no embedding of */
  constructor(model: CausalLM, maskTokenId: number, { capacity, vocabularySize, prefixes, together }: SessionOptions) {
    const { vocabularySize: rows } = model.config
    if (!(Number.isInteger(maskTokenId) && maskTokenId >= 0 && maskTokenId < rows))
      throw new OutriderError('INVALID_ARGUMENT', `maskTokenId is ${maskTokenId}; the draft has ids below ${rows}.`, {
        remedy: 'Name an id that has a row in its embedding (pard_token in config.json).',
      })
    this.#model = model
    this.#maskTokenId = maskTokenId
    this.#vocabularySize = vocabularySize
    this.#prefixes = prefixes
    this.#place = new DraftPlace(model, capacity)
    const group = together?.of(model, () => new ParallelDraftGroup(model, together.size))
    this.#group = group?.expect(this.#place) ? group : undefined
  }

  offers(tokens: readonly number[], limit: number): Offer[] {
    const length = Math.min(limit, this.#room(tokens))
    const unread = tokens.length - this.#place.length
    return length < 1 ? [] : [{ source: 'model', kind: '', length, unread, parallel: true }]
  }

  draft(request: DraftRequest): DrawnDraft | null {
    const block = this.#blockFor(request)
    if (!block) return null
    const { tokens, offset } = request
    const { rows } = block
    const reads = [...this.#unreadOf(tokens), ...this.#masks(block)]
    const alone = () => {
      this.#run(block, reads, offset)
      this.#place.truncate(tokens.length)
    }
    if (this.#group) this.#group.ask({ place: this.#place, rows, reads, offset, alone })
    else alone()
    return { tokens: rows.ids, probabilities: rows.probabilities, lasting: true }
  }

  async draftConstrained(request: DraftRequest): Promise<DrawnDraft | null> {
    const block = this.#blockFor(request)
    if (!block) return null
    const { tokens, sampling, processor, offset } = request
    const { logits } = this.#run(block, [...this.#unreadOf(tokens), ...this.#masks(block)], offset, false) // [n, C or V']
    this.#place.truncate(tokens.length)
    return drawConstrained({
      ...{ rows: block.rows, offset },
      processor: processor!,
      greedy: sampling.temperature === 0,
      logitsAfter: (drafted) => slice(logits!, { start: drafted.length, count: 1 }),
    })
  }

  keep(length: number): void {
    this.#place.truncate(Math.min(length, this.#place.length))
  }

  trim(): void {
    this.#passes.dispose()
    this.#blocks.dispose()
  }

  dispose(): void {
    this.trim()
    this.#place.dispose()
  }

  /** n drafts take n − 1 places after the sequence. */
  #room(tokens: readonly number[]): number {
    return this.#place.places - tokens.length + 1
  }

  /** Where a draft goes; undefined where it has no room. */
  #blockFor({ tokens, draftLength, sampling, processor }: DraftRequest): Block | undefined {
    const count = Math.min(draftLength, this.#room(tokens))
    if (count < 1) return undefined
    const options = { model: this.#model, count, columns: this.#vocabularySize, sampling, processor }
    return this.#blocks.of(`${count}`, () => {
      const rows = new DraftRows(options)
      return { name: this.#made++, count, rows, dispose: () => rows.dispose() }
    })
  }

  /** What it has not read, the last token among it; a prompt is read before. */
  #unreadOf(tokens: readonly number[]): number[] {
    const [model, place] = [this.#model, this.#place]
    const read = place.length
    if (tokens.length - read <= mostUnread) return tokens.slice(read)
    const text = tokens.slice(0, -1)
    if (!place.own) this.#group!.read(place, text.slice(read))
    else if (read === 0) prefillPrompt(model, place.own, text, this.#prefixes).logits.dispose()
    else prefill(model, place.own, text.slice(read)).dispose()
    return tokens.slice(-1)
  }

  #masks({ count }: Block): number[] {
    return new Array<number>(count - 1).fill(this.#maskTokenId)
  }

  /**
   * Queues the drafting in its own cache, and leaves masks in that.
   *
   * @param reads  the unread tokens, and masks
   * @param draws  whether the tokens are drawn; else there are the logits of their rows, the pass's own
   */
  #run(block: Block, reads: readonly number[], offset: number, draws = true): { logits?: Tensor } {
    const name = `${block.name} ${reads.length} ${draws}`
    const pass = this.#passes.of(name, () => this.#passOver(reads.length, block, draws))
    pass.tokens.write(Uint32Array.from(reads))
    return pass.step.run(offset)
  }

  #passOver(length: number, { rows, count }: Block, draws: boolean): Pass {
    const [model, cache] = [this.#model, this.#place.own!]
    const tokens = model.device.empty([1, length], 'u32').keep()
    const step = new RepeatedStep<{ logits?: Tensor }>(model, cache, (counter) =>
      model.device.scope(() => {
        const coveredOnly = rows.covered !== undefined
        const said = model.forward(tokens, { cache, rows: count, coveredOnly }) // [1, n, C or V']
        const logits = said.reshape([count, said.size / count])
        if (!draws) return { logits }
        rows.drawAll(logits, counter)
        rows.finish()
        return {}
      }),
    )
    const dispose = () => {
      tokens.dispose()
      step.dispose()
    }
    return { tokens, step, dispose }
  }
}

/** Drafts of one length, and where they go. */
interface Block {
  /** No other block of the session has it, before or after. */
  name: number
  count: number
  rows: DraftRows
  dispose(): void
}

/** The pass of a block after so many unread tokens. */
interface Pass {
  /** What it reads, u32 [1, unread + n − 1]; written before each run. */
  tokens: Tensor
  step: RepeatedStep<{ logits?: Tensor }>
  dispose(): void
}
