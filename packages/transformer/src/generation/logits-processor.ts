import { OutriderError, type Tensor } from '@outrider/tensor'
import { countTokens, inPrompt, type Penalties, processLogits } from '@outrider/tensor/internal'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { isAllowed, onlyAllowed, type TokenConstraint } from './constraint'
import { ConstraintPath } from './constraint-path'
import type { Sampling } from './sampling-options'

/** What a text is made with, as far as it changes logits. */
export interface ProcessedText {
  sampling: Pick<Sampling, 'logitBias' | 'presencePenalty' | 'frequencyPenalty' | 'repetitionPenalty'>
  /** Ids of the prompt: the repetition penalty counts them. */
  prompt: readonly number[]
  constraint?: TokenConstraint | undefined
}

/** Rows of a draft, or of the target's pass over one. */
export interface DraftedRows {
  /** The drafted ids on the device, u32: row r is after the first `first + r` of them. */
  drafted: Tensor
  /** Default 0. */
  first?: number
  /** The ids of the columns, u32 [columns], of a head that says some alone. */
  ids?: Tensor | undefined
  /** The ids that are allowed in each row, u32 [rows, words], for one with a constraint. */
  masks?: Tensor | undefined
}

/**
 * What is done to a sequence's logits before temperature and its like: bias, penalties for what was said, and the mask of a
 * constraint. Plain decoding, drafts (p) and the target's verification (q) all have their logits from here, each row given the
 * tokens before it, those that are only drafted among them; so a draft that is verified gives the distribution of plain decoding.
 */
export class LogitsProcessor {
  readonly #vocabularySize: number
  readonly #bias: Tensor | undefined
  readonly #counts: Tensor | undefined
  readonly #penalties: Penalties
  readonly #constraint: TokenConstraint | undefined
  readonly #endTokens: readonly number[]
  /** Of the next token, u32 [1, words]: where there is a constraint, always up to date. */
  readonly #mask: Tensor | undefined
  /** The same on the host. */
  #allowed: Uint32Array<ArrayBuffer> | undefined
  #ended = false
  /** Behind what was said: along what is drafted there. */
  #path: ConstraintPath | undefined

  private constructor(
    { model, generationConfig }: Processed,
    { sampling, prompt, constraint }: ProcessedText,
    penalties: Penalties | undefined,
  ) {
    const { device, config } = model
    const { vocabularySize } = config
    this.#vocabularySize = vocabularySize
    this.#endTokens = generationConfig.eosTokenIds
    const bias = biases(sampling.logitBias, vocabularySize)
    this.#constraint = constraint?.clone()
    this.#allowed = this.#constraint && this.#words(this.#constraint)
    this.#penalties = penalties ?? { repetition: 1, frequency: 0, presence: 0 }
    this.#bias = bias && device.tensor(bias).keep()
    this.#counts = penalties && device.tensor(promptCounts(prompt, vocabularySize)).keep()
    this.#mask = this.#allowed && device.tensor(this.#allowed, { shape: [1, this.#allowed.length] }).keep()
  }

  /**
   * @returns undefined where logits stay as they are
   * @throws OutriderError INVALID_ARGUMENT for a bias of an id that the model does not have; for a constraint that allows nothing
   */
  static of(pretrained: Processed, text: ProcessedText): LogitsProcessor | undefined {
    const { logitBias, repetitionPenalty, frequencyPenalty, presencePenalty } = text.sampling
    const penalizes = repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0
    if (!penalizes && Object.keys(logitBias).length === 0 && !text.constraint) return undefined
    const penalties = { repetition: repetitionPenalty, frequency: frequencyPenalty, presence: presencePenalty }
    return new LogitsProcessor(pretrained, text, penalizes ? penalties : undefined)
  }

  /** Whether there is a constraint: what it allows behind drafted tokens depends on which they are (`masksAlong`). */
  get isConstrained(): boolean {
    return this.#constraint !== undefined
  }

  /**
   * The logits that the next token is drawn from.
   *
   * @param logits  f32 [1, V]
   */
  next(logits: Tensor): Tensor {
    return this.#process(logits, { mask: this.#mask })
  }

  /**
   * The logits that drafted tokens are drawn from. What a constraint allows behind drafted tokens is known once the host knows these
   * (`maskBehind`); without, it is applied to the first token alone, which is as exact: any p is that the tokens are drawn from, and one
   * that is not allowed is never accepted.
   *
   * @param logits         f32 [1, columns]
   * @param options.masks  default of the first token's row what is allowed next, of others none
   */
  draft(logits: Tensor, { drafted, first = 0, ids, masks }: DraftedRows): Tensor {
    return this.#process(logits, { drafted, first, ids, mask: masks ?? (first === 0 ? this.#mask : undefined) })
  }

  /**
   * The logits that drafted tokens are verified by.
   *
   * @param logits  f32 [γ + 1, V]
   */
  verify(logits: Tensor, { drafted, masks }: Pick<DraftedRows, 'drafted' | 'masks'>): Tensor {
    return this.#process(logits, { drafted, mask: masks })
  }

  /**
   * What the constraint allows before each of some tokens, and after the last, given those before. Behind one that is not allowed, or
   * that ends the text, nothing is accepted or read, and all is allowed.
   *
   * @returns u32 [n + 1, words]; the caller's to free
   */
  masksAlong(device: Tensor['device'], drafted: ArrayLike<number>): Tensor {
    const words = this.#mask!.size
    const masks = new Uint32Array(words * (drafted.length + 1)).fill(0xffffffff)
    for (let row = 0; row <= drafted.length; row++) {
      const mask = this.#along.behind(drafted, row)
      if (!mask) break
      masks.set(mask, row * words)
    }
    return device.tensor(masks, { shape: [drafted.length + 1, words] })
  }

  /**
   * What the constraint allows behind drafted tokens, for `draft`.
   *
   * @returns u32 [1, words], the caller's to free; undefined where one of them is not allowed, or ends the text
   */
  maskBehind(device: Tensor['device'], drafted: readonly number[]): Tensor | undefined {
    const mask = this.#along.behind(drafted, drafted.length)
    return mask && device.tensor(mask, { shape: [1, mask.length] })
  }

  /** Ids that the constraint is likely to leave no choice but to say next, at most so many (`TokenConstraint.forced`). */
  forced(most: number): readonly number[] {
    const constraint = this.#constraint
    if (!constraint || this.#ended) return []
    if (constraint.forced) return constraint.forced(most)
    const ids: number[] = []
    let walker: TokenConstraint | undefined
    let only = onlyAllowed(this.#allowed!)
    while (only !== undefined && ids.length < most) {
      ids.push(only)
      if (this.#endTokens.includes(only)) break
      walker ??= constraint.clone()
      walker.accept(only)
      only = onlyAllowed(this.#words(walker))
    }
    return ids
  }

  /**
   * Goes on: these tokens were said.
   *
   * @throws OutriderError NOT_FINITE where the model gives no token that is allowed any probability
   */
  accept(tokens: readonly number[]): void {
    const counts = this.#counts
    if (counts) counts.device.scope(() => countTokens(counts, counts.device.tensor(Uint32Array.from(tokens))))
    const constraint = this.#constraint
    if (!constraint) return
    this.#path = undefined
    for (const token of tokens) {
      if (this.#ended) return
      if (!isAllowed(this.#allowed!, token))
        throw new OutriderError('NOT_FINITE', 'The model gives none of the tokens that are allowed any probability.', {
          remedy: 'Allow tokens that it can say.',
        })
      constraint.accept(token)
      this.#ended = this.#endTokens.includes(token)
      if (!this.#ended) this.#allowed = this.#words(constraint)
    }
    this.#mask!.write(this.#allowed!)
  }

  dispose(): void {
    for (const tensor of [this.#bias, this.#counts, this.#mask]) tensor?.dispose()
  }

  get #along(): ConstraintPath {
    this.#path ??= new ConstraintPath({
      constraint: this.#constraint!,
      allowed: this.#allowed!,
      endTokens: this.#endTokens,
      wordsOf: (constraint) => this.#words(constraint),
    })
    return this.#path
  }

  #process(
    logits: Tensor,
    rows: { drafted?: Tensor; first?: number; ids?: Tensor | undefined; mask?: Tensor | undefined },
  ): Tensor {
    return processLogits(logits, { ...rows, bias: this.#bias, counts: this.#counts, penalties: this.#penalties })
  }

  /** What is allowed next, for every id of the model. */
  #words(constraint: TokenConstraint): Uint32Array<ArrayBuffer> {
    const allowed = constraint.allowed()
    const words = new Uint32Array(Math.ceil(this.#vocabularySize / 32))
    if (!allowed) return words.fill(0xffffffff)
    words.set(allowed.subarray(0, words.length))
    const beyond = this.#vocabularySize % 32
    if (beyond > 0) words[words.length - 1]! &= 2 ** beyond - 1
    if (words.every((word) => word === 0))
      throw new OutriderError('INVALID_ARGUMENT', 'The constraint allows no token of the model.', {
        remedy: 'Where a text is complete, allow the end tokens.',
      })
    return words
  }
}

/** What is known of the model. */
type Processed = Pick<PretrainedModel, 'generationConfig'> & {
  model: Pick<CausalLM, 'device'> & { config: Pick<CausalLM['config'], 'vocabularySize'> }
}

/** Biases by id; undefined where there are none. */
function biases(logitBias: Sampling['logitBias'], vocabularySize: number): Float32Array<ArrayBuffer> | undefined {
  const entries = Object.entries(logitBias)
  if (entries.length === 0) return undefined
  const bias = new Float32Array(vocabularySize)
  for (const [id, value] of entries) {
    if (Number(id) >= vocabularySize)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `logitBias is for ${id}; the model has ids below ${vocabularySize}.`,
        {
          details: { option: 'logitBias', value: id },
        },
      )
    bias[Number(id)] = value
  }
  return bias
}

function promptCounts(prompt: readonly number[], vocabularySize: number): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(vocabularySize)
  for (const id of prompt) if (id < vocabularySize) counts[id] = inPrompt
  return counts
}
