import { type Device, embedding, type Tensor } from '@outrider/tensor'
import type { CausalLM, ForwardOptions, KvCache, ModelConfig, Tokenizer } from '@outrider/transformer'
import { tinyConfig } from '../../transformer/src/pretrained/tiny-model.fixture'
import type { Target } from './decoder'

/** A model whose next token depends on the last one alone, by a table of logits: fast, and its law is known. */
export class TableModel implements CausalLM {
  readonly device: Device
  readonly config: ModelConfig
  /** Caches that were made and not disposed of. */
  openCaches = 0
  readonly #table: Tensor // [V, V]

  constructor(device: Device, logits: readonly (readonly number[])[], { contextLength = 64 } = {}) {
    const vocabularySize = logits[0]!.length
    this.device = device
    this.config = { ...tinyConfig, vocabularySize, contextLength }
    this.#table = device.tensor(Float32Array.from(logits.flat()), { shape: [logits.length, vocabularySize] })
  }

  createCache({ capacity = this.config.contextLength } = {}): KvCache {
    this.openCaches++
    return new TableCache(capacity, () => this.openCaches--)
  }

  forward(tokens: Tensor, { cache, rows = 'all', counts }: ForwardOptions = {}): Tensor {
    const length = tokens.shape[1]!
    const count = counts?.[0] ?? length
    ;(cache as TableCache).advance(count)
    const { vocabularySize } = this.config
    return this.device.scope(() => {
      const logits = embedding(this.#table, tokens) // [1, rows, V]
      if (rows === 'all') return logits
      const last = this.device.empty([1, 1, vocabularySize])
      this.device.copy(logits, (count - 1) * vocabularySize, last, 0, vocabularySize)
      return last
    })
  }

  dispose(): void {
    this.#table.dispose()
  }
}

class TableCache implements KvCache {
  readonly batchSize = 1
  readonly capacity: number
  lengths: readonly number[] = [0]
  readonly #close: () => void

  constructor(capacity: number, close: () => void) {
    this.capacity = capacity
    this.#close = close
  }

  advance(count: number): void {
    if (this.lengths[0]! + count > this.capacity) throw new Error('the cache overflows')
    this.lengths = [this.lengths[0]! + count]
  }

  truncate(length: number | readonly number[]): void {
    const wanted = typeof length === 'number' ? length : length[0]!
    if (wanted > this.lengths[0]!) throw new Error('truncated beyond its length')
    this.lengths = [wanted]
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
