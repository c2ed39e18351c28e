import { concat, slice, type Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'

/**
 * Reads prompts into a cache, in passes of bounded size.
 *
 * @param prompts              token ids by sequence of the cache, none empty
 * @param options.rowsPerPass  rows that one pass reads at most, over all sequences (but 16 of each at least): bounds the
 *   memory that a long prompt takes. Default 2048
 * @returns logits of the token after each prompt, f32 [batch, vocabulary]; the caller's to free
 */
export function prefill(
  model: CausalLM,
  cache: KvCache,
  prompts: readonly (readonly number[])[],
  { rowsPerPass = 2048 }: { rowsPerPass?: number } = {},
): Tensor {
  const batch = prompts.length
  const longest = Math.max(...prompts.map(({ length }) => length))
  const width = Math.min(longest, Math.max(16, Math.floor(rowsPerPass / batch)))
  return model.device.scope(() => {
    const last: Tensor[] = []
    for (let offset = 0; offset < longest; offset += width) {
      const rows = Math.min(width, longest - offset)
      const counts = prompts.map(({ length }) => Math.min(rows, Math.max(0, length - offset)))
      const tokens = model.device.tensor(padded(prompts, offset, rows), { shape: [batch, rows] })
      const logits = model.forward(tokens, { cache, rows: 'last', counts }) // [batch, 1, vocabulary]
      const flat = logits.reshape([batch, logits.shape[2]!])
      if (longest <= width) return flat
      // A prompt's last pass is the one that counts.
      for (const [b, { length }] of prompts.entries())
        if (length > offset) last[b] = slice(flat, { start: b, count: 1 })
      model.device.flush()
    }
    return concat(last) // [batch, vocabulary]
  })
}

/** Columns [offset, offset + rows) of the prompts, one after another; rows past a prompt's end are 0. */
function padded(prompts: readonly (readonly number[])[], offset: number, rows: number): Uint32Array {
  const tokens = new Uint32Array(prompts.length * rows)
  for (const [b, prompt] of prompts.entries()) tokens.set(prompt.slice(offset, offset + rows), b * rows)
  return tokens
}
