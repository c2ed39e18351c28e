import type { Tensor } from '@outrider/tensor'
import { type CausalLM, multipleUpTo, type Prefixes, prefill, RepeatedStep, RepeatedSteps } from '@outrider/transformer'
import { drawConstrained } from './constrained-draft'
import { DraftBlock } from './draft-block'
import { DraftPlace } from './draft-place'
import { mostUnread } from './draft-rows'
import { checkedStop, type DraftStop, thresholdOf } from './draft-stop'
import type { Drafter, DraftRequest, DraftSession, DrawnDraft, Offer, SessionOptions } from './drafter'
import { ModelDraftGroup } from './model-draft-group'
import { ParallelDraftSession } from './parallel-drafter'

export interface ModelDrafterOptions {
  /** Default 'model'. */
  name?: string
  /** Where drafts end before their length. Default nowhere, but where a request says so. */
  stop?: DraftStop | undefined
}

/**
 * Drafts with a small model, its ids never leaving the device within a block: one step a token; or, with a model that names a token
 * for what is not drafted yet (`maskTokenId`, a parallel draft), one pass for the whole block, which has nothing to stop.
 *
 * @throws OutriderError INVALID_ARGUMENT for a `stop` that is out of range
 */
export function modelDrafter(model: CausalLM, { name = 'model', stop }: ModelDrafterOptions = {}): Drafter {
  const { parameterCount } = model
  const { maskTokenId } = model.config
  const checked = checkedStop(stop)
  const open = (options: SessionOptions) =>
    maskTokenId === undefined
      ? new ModelDraftSession(model, checked, options)
      : new ParallelDraftSession(model, maskTokenId, options)
  return { name, parameterCount, models: [model], open }
}

class ModelDraftSession implements DraftSession {
  readonly #model: CausalLM
  readonly #stop: DraftStop | undefined
  readonly #place: DraftPlace
  readonly #vocabularySize: number
  readonly #prefixes: Prefixes | undefined
  /** With whom it drafts, of a batch. */
  readonly #group: ModelDraftGroup | undefined
  readonly #blocks = new RepeatedSteps<DraftBlock>()
  /** Passes alone, by the number of tokens that they read: of drafts whose tokens are read one by one. */
  readonly #passes = new RepeatedSteps<DraftPass>()
  /** The last draft: the tokens before it, and whether steps behind its end were left out. */
  #last = { after: 0, skips: false }

  constructor(
    model: CausalLM,
    stop: DraftStop | undefined,
    { capacity, vocabularySize, prefixes, together }: SessionOptions,
  ) {
    this.#model = model
    this.#stop = stop
    this.#vocabularySize = vocabularySize
    this.#prefixes = prefixes
    this.#place = new DraftPlace(model, capacity)
    const group = together?.of(model, () => new ModelDraftGroup(model, together.size))
    this.#group = group?.expect(this.#place) ? group : undefined
  }

  offers(tokens: readonly number[], limit: number): Offer[] {
    const length = Math.min(limit, this.#room(tokens))
    const unread = tokens.length - this.#place.length
    if (length < 1) return []
    return [
      {
        source: 'model',
        kind: '',
        length,
        unread,
        ...(!this.#stop && { stops: true }),
        ...(this.#group && { together: true }),
      },
    ]
  }

  read(tokens: readonly number[], place: number): void {
    const { own } = this.#place
    if (!own) return
    const to = multipleUpTo(Math.min(place, own.capacity))
    if (own.lengths[0] === 0) this.#prefixes?.restore(this.#model, own, tokens, to)
    const from = own.lengths[0]!
    if (to > from) prefill(this.#model, own, tokens.slice(from, to)).dispose()
    if (place === tokens.length) this.#prefixes?.keep(this.#model, own, tokens.slice(0, to))
  }

  draft(request: DraftRequest): DrawnDraft | null {
    const block = this.#blockFor(request)
    if (!block) return null
    const { tokens, offset } = request
    const unread = this.#unreadOf(request)
    const alone = () => block.run(unread, offset)
    if (this.#group) this.#group.ask({ place: this.#place, block, unread, offset, alone })
    else alone()
    this.#last = { after: tokens.length, skips: block.skips }
    const { ids, probabilities } = block.rows
    return { tokens: ids, probabilities, count: block.progress?.count, lasting: true }
  }

  async draftConstrained(request: DraftRequest): Promise<DrawnDraft | null> {
    const block = this.#blockFor(request)
    if (!block) return null
    const { tokens, sampling, processor, offset } = request
    const { rows, progress } = block
    const unread = this.#unreadOf(request)
    this.#last = { after: tokens.length, skips: false }
    return drawConstrained({
      ...{ rows, progress, offset },
      processor: processor!,
      greedy: sampling.temperature === 0,
      logitsAfter: (drafted) => this.#logitsAfter(drafted.length === 0 ? unread : drafted.slice(-1), block),
    })
  }

  keep(length: number, proposed = Number.POSITIVE_INFINITY): void {
    // Where steps behind the end were not run, the last proposed token is not read.
    const { after, skips } = this.#last
    const read = skips ? after + proposed - 1 : length
    this.#place.truncate(Math.min(length, read, this.#place.length))
  }

  trim(): void {
    this.#passes.dispose()
    this.#blocks.dispose()
  }

  dispose(): void {
    this.trim()
    this.#place.dispose()
  }

  /** Where a draft goes; undefined where it has no room. */
  #blockFor({ tokens, draftLength, stop: asked, skips = true, sampling, processor }: DraftRequest) {
    const count = Math.min(draftLength, this.#room(tokens))
    if (count < 1) return undefined
    const [model, { own: cache }, columns] = [this.#model, this.#place, this.#vocabularySize]
    const stop = asked === undefined ? this.#stop : checkedStop(asked ?? undefined)
    const { by, threshold } = stop ? thresholdOf(stop) : {}
    // With others every step is made: one's draft may go on where another's has ended.
    const stops = by && { by, skips: skips && !this.#group }
    const name = [count, by, stops?.skips, cache ? 'own' : ''].join()
    const making = { model, cache, count, columns, sampling, processor, stops }
    const block = this.#blocks.of(name, () => new DraftBlock(making))
    if (threshold !== undefined) block.progress!.threshold.write(Float32Array.of(threshold))
    return block
  }

  /** What it has not read: the last token, and those that plain steps or a fully accepted draft left out. */
  #unreadOf({ tokens }: DraftRequest): number[] {
    if (this.#prefixes && this.#place.length === 0 && tokens.length > mostUnread)
      this.read(tokens.slice(0, -1), tokens.length - 1)
    return tokens.slice(this.#place.length)
  }

  /** Queues the reading of tokens, and returns what follows them: logits [1, C or V'], in any shape. */
  #logitsAfter(unread: readonly number[], block: DraftBlock): Tensor {
    const [model, cache] = [this.#model, this.#place.own!]
    if (unread.length > mostUnread) return block.drawable(prefill(model, cache, unread))
    const { coveredOnly } = block
    const pass = this.#passes.of(`${unread.length}`, () => {
      const tokens = model.device.empty([1, unread.length], 'u32').keep()
      const step = new RepeatedStep(model, cache, () => ({
        logits: model.forward(tokens, { cache, rows: 'last', coveredOnly }),
      }))
      const dispose = () => {
        tokens.dispose()
        step.dispose()
      }
      return { tokens, step, dispose }
    })
    pass.tokens.write(Uint32Array.from(unread))
    return pass.step.run(0).logits
  }

  /** The last drafted token is never read, so n drafts take n − 1 places after the sequence. */
  #room(tokens: readonly number[]): number {
    return this.#place.places - tokens.length + 1
  }
}

/** A pass over so many unread tokens. */
interface DraftPass {
  /** u32 [1, n], written before each run. */
  tokens: Tensor
  step: RepeatedStep<{ logits: Tensor }>
  dispose(): void
}
