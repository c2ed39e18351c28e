import { argmax } from '@outrider/tensor'
import { type CausalLM, throwIfAborted } from '@outrider/transformer'
import type { TargetAnswer } from './target-answers'

/** Rows of a pass. */
const rows = 16

/**
 * Whether a draft would have said the same, at each token of an answer but the first, which the prompt's pass brings. As greedy
 * drafts are followed only as far as they are right, what it says after the answer's own tokens is what it would have drafted.
 */
export async function draftMatches(
  draft: CausalLM,
  { prompt, answer }: TargetAnswer,
  signal: AbortSignal,
): Promise<boolean[]> {
  const { device, config } = draft
  const tokens = [...prompt, ...answer].slice(0, config.contextLength)
  const said: number[] = []
  const cache = draft.createCache({ capacity: tokens.length, context: config.contextLength })
  try {
    for (let at = 0; at < tokens.length; at += rows) {
      throwIfAborted(signal)
      const piece = tokens.slice(at, at + rows)
      const ids = device.scope(() =>
        argmax(draft.forward(device.tensor(piece, { shape: [1, piece.length], dtype: 'u32' }), { cache }), {
          logits: true,
        }),
      ) // u32 [1, rows]
      said.push(...(await ids.data()))
      ids.dispose()
    }
  } finally {
    cache.dispose()
  }
  return tokens.slice(prompt.length + 1).map((token, i) => said[prompt.length + i] === token)
}
