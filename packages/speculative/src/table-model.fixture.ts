import { type CoveredIds, type Device, embedding, OutriderError, type Tensor } from '@outrider/tensor'
import { ofCovered } from '@outrider/tensor/internal'
import type { CausalLM, ForwardOptions, KvCache, Tokenizer } from '@outrider/transformer'
import type { Target } from './decoder'

/** A model whose next token depends on the last one alone, by a table of logits: fast, and its law is known. */
export class TableModel implements CausalLM {
  readonly device: Device
  readonly config: CausalLM['config']
  readonly parameterCount: number
  readonly isReplayable = true
  /** Caches that were made and not disposed of. */
  openCaches = 0
  readonly covered: CoveredIds | undefined
  readonly #table: Tensor // [V, V]

  /**
   * @param coveredIds   where it is to say these alone
   * @param maskTokenId  where it is to draft in parallel: whose row all drafted tokens but the first have
   */
  constructor(
    device: Device,
    table: readonly (readonly number[])[],
    {
      contextLength = 64,
      coveredIds,
      maskTokenId,
    }: { contextLength?: number; coveredIds?: readonly number[]; maskTokenId?: number } = {},
  ) {
    const vocabularySize = table[0]!.length
    const isSaid = (id: number) => !coveredIds || coveredIds.includes(id)
    const logits = table.map((row) => row.map((z, id) => (isSaid(id) ? z : Number.NEGATIVE_INFINITY)))
    this.covered = coveredIds && { ids: device.tensor(Uint32Array.from(coveredIds)), vocabularySize }
    this.device = device
    this.config = {
      ...{ vocabularySize, contextLength },
      ...(coveredIds && { coveredIds }),
      ...(maskTokenId !== undefined && { maskTokenId }),
    }
    this.parameterCount = logits.length * vocabularySize
    this.#table = device.tensor(Float32Array.from(logits.flat()), { shape: [logits.length, vocabularySize] })
  }

  createCache({ batchSize = 1, capacity = this.config.contextLength } = {}): KvCache {
    this.openCaches++
    return new TableCache(batchSize, capacity, () => this.openCaches--)
  }

  forward(tokens: Tensor, { cache, rows = 'all', counts, coveredOnly }: ForwardOptions = {}): Tensor {
    const [batch, length] = tokens.shape as [number, number]
    const read = counts ?? new Array<number>(batch).fill(length)
    cache?.advance(read)
    return this.device.scope(() => {
      const whole = embedding(this.#table, tokens) // [batch, rows, V]
      const logits = coveredOnly && this.covered ? ofCovered(whole, this.covered.ids) : whole // [batch, rows, columns]
      if (rows === 'all') return logits
      const columns = logits.shape[2]!
      const n = rows === 'last' ? 1 : rows
      const last = this.device.empty([batch, n, columns])
      for (const [b, count] of read.entries())
        for (let i = 0; i < n; i++) {
          const row = b * length + Math.max(0, count - n + i)
          this.device.copy(logits, row * columns, last, (b * n + i) * columns, columns)
        }
      return last
    })
  }

  dispose(): void {
    this.#table.dispose()
    this.covered?.ids.dispose()
  }
}

/** It remembers how long its sequences are: of a token before the last nothing is asked. */
class TableCache implements KvCache {
  readonly batchSize: number
  readonly capacity: number
  lengths: readonly number[]
  readonly #close: () => void

  constructor(batchSize: number, capacity: number, close: () => void) {
    this.batchSize = batchSize
    this.capacity = capacity
    this.lengths = new Array<number>(batchSize).fill(0)
    this.#close = close
  }

  copySequence(to: number, source: KvCache, from: number): void {
    this.#grow(this.lengths.with(to, source.lengths[from]!))
  }

  advance(counts: readonly number[]): void {
    this.#grow(this.lengths.map((length, b) => length + (counts[b] ?? 0)))
  }

  #grow(lengths: readonly number[]): void {
    if (lengths.some((length) => length > this.capacity))
      throw new OutriderError('CONTEXT_OVERFLOW', `${lengths} tokens do not fit into a cache of ${this.capacity}.`)
    this.lengths = lengths
  }

  truncate(length: number | readonly number[]): void {
    const lengths = this.lengths.map((_, b) => (typeof length === 'number' ? length : length[b]!))
    if (lengths.some((wanted, b) => wanted > this.lengths[b]!))
      throw new OutriderError('INVALID_ARGUMENT', `${lengths} is beyond ${this.lengths}.`)
    this.lengths = lengths
  }

  dispose(): void {
    this.#close()
  }
}

/** The model as a target or draft whose token n is the n-th letter. */
export function letters(model: CausalLM, { eosTokenIds = [] as number[], alphabet = 26 } = {}): Target {
  const letter = (id: number) => String.fromCharCode(97 + id)
  const tokenizer = {
    vocabularySize: alphabet,
    fingerprint: `letters ${alphabet}`,
    idToToken: letter,
    encode: (text: string) => [...text].map((character) => character.charCodeAt(0) - 97),
    stream: () => ({ push: letter, end: () => '' }),
  } as unknown as Tokenizer
  return { model, tokenizer, config: model.config, generationConfig: { eosTokenIds }, source: 'letters' }
}
