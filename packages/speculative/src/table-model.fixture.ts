import { type CoveredIds, type Device, embedding, type Tensor } from '@outrider/tensor'
import { ofCovered } from '@outrider/tensor/internal'
import type { CausalLM, ForwardOptions, KvCache, Tokenizer } from '@outrider/transformer'
import type { Target } from './decoder'

/** A model whose next token depends on the last one alone, by a table of logits: fast, and its law is known. */
export class TableModel implements CausalLM {
  readonly device: Device
  readonly config: { vocabularySize: number; contextLength: number }
  readonly parameterCount: number
  /** Caches that were made and not disposed of. */
  openCaches = 0
  readonly covered: CoveredIds | undefined
  readonly #table: Tensor // [V, V]

  /** @param coveredIds  where it is to say these alone */
  constructor(
    device: Device,
    table: readonly (readonly number[])[],
    { contextLength = 64, coveredIds }: { contextLength?: number; coveredIds?: readonly number[] } = {},
  ) {
    const vocabularySize = table[0]!.length
    const isSaid = (id: number) => !coveredIds || coveredIds.includes(id)
    const logits = table.map((row) => row.map((z, id) => (isSaid(id) ? z : Number.NEGATIVE_INFINITY)))
    this.covered = coveredIds && { ids: device.tensor(Uint32Array.from(coveredIds)), vocabularySize }
    this.device = device
    this.config = { vocabularySize, contextLength }
    this.parameterCount = logits.length * vocabularySize
    this.#table = device.tensor(Float32Array.from(logits.flat()), { shape: [logits.length, vocabularySize] })
  }

  createCache({ capacity = this.config.contextLength } = {}): KvCache {
    this.openCaches++
    return new TableCache(capacity, () => this.openCaches--)
  }

  forward(tokens: Tensor, { cache, rows = 'all', counts, coveredOnly }: ForwardOptions = {}): Tensor {
    const length = tokens.shape[1]!
    const count = counts?.[0] ?? length
    cache!.advance([count])
    return this.device.scope(() => {
      const whole = embedding(this.#table, tokens) // [1, rows, V]
      const logits = coveredOnly && this.covered ? ofCovered(whole, this.covered.ids) : whole // [1, rows, columns]
      if (rows === 'all') return logits
      const columns = logits.shape[2]!
      const last = this.device.empty([1, 1, columns])
      this.device.copy(logits, (count - 1) * columns, last, 0, columns)
      return last
    })
  }

  dispose(): void {
    this.#table.dispose()
    this.covered?.ids.dispose()
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

  copySequence(): never {
    throw new Error('a table model decodes one sequence')
  }

  advance([count = 0]: readonly number[]): void {
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
