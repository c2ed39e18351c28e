import { type Device, embedding, type Tensor } from '@outrider/tensor'
import type { CausalLM, ForwardOptions, Tokenizer } from '@outrider/transformer'
import { SequenceCache } from './sequence-cache'

/**
 * A model whose next token depends on the last one alone: ln of how often it followed in a text, a little being added to every
 * count. One row of a table is its whole forward pass, so drafting with it costs next to nothing.
 */
export class BigramModel implements CausalLM {
  readonly device: Device
  readonly config: { vocabularySize: number; contextLength: number }
  readonly parameterCount: number
  readonly #table: Tensor // [V, V]

  constructor(device: Device, tokenizer: Tokenizer, texts: readonly string[], { contextLength = 2 ** 16 } = {}) {
    const { vocabularySize } = tokenizer
    const logits = new Float32Array(vocabularySize * vocabularySize).fill(0.01)
    for (const text of texts) {
      const ids = tokenizer.encode(text)
      for (const [i, id] of ids.slice(1).entries()) logits[ids[i]! * vocabularySize + id]! += 1
    }
    for (const [i, count] of logits.entries()) logits[i] = Math.log(count)
    this.device = device
    this.config = { vocabularySize, contextLength }
    this.parameterCount = logits.length
    this.#table = device.tensor(logits, { shape: [vocabularySize, vocabularySize] })
  }

  createCache({ batchSize = 1, capacity = this.config.contextLength } = {}): SequenceCache {
    return new SequenceCache(this.device, { batchSize, capacity })
  }

  forward(tokens: Tensor, { cache, rows = 'all', counts }: ForwardOptions = {}): Tensor {
    const [batch, length] = tokens.shape as [number, number]
    const read = counts ?? new Array<number>(batch).fill(length)
    cache?.advance(read)
    return this.device.scope(() => {
      const wanted = rows === 'all' ? tokens : lastOf(tokens, read, rows === 'last' ? 1 : rows)
      return embedding(this.#table, wanted) // [batch, rows, V]
    })
  }

  dispose(): void {
    this.#table.dispose()
  }
}

/** The last n tokens of each sequence, u32 [batch, n]. */
export function lastOf(tokens: Tensor, counts: readonly number[], n = 1): Tensor {
  const last = tokens.device.empty([counts.length, n], 'u32')
  for (const [b, count] of counts.entries())
    for (let i = 0; i < n; i++)
      tokens.device.copy(tokens, b * tokens.shape[1]! + Math.max(0, count - n + i), last, b * n + i, 1)
  return last
}
