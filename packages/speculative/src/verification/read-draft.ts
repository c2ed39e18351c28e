import { concat, type Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '@outrider/transformer'
import type { ToJudge } from './passes'

export interface ReadDraftOptions {
  cache: KvCache
  /** The token before the draft, u32 [1, 1]. */
  unread: Tensor
  draft: ToJudge
}

/**
 * The target's pass over a draft and the token before it. Of a draft that ends early all rows are computed: passes over fewer, of
 * which the device runs one, are queued all the same, and cost more than rows.
 *
 * @returns logits after each of them, f32 [γ + 1, V]; those behind the last proposed token mean nothing
 */
export function readDraft(target: CausalLM, { cache, unread, draft }: ReadDraftOptions): Tensor {
  const rows = draft.tokens.size + 1
  const tokens = concat([unread.reshape([1]), draft.tokens]) // [γ + 1]
  const logits = target.forward(tokens.reshape([1, rows]), { cache }) // [1, γ + 1, V]
  return logits.reshape([rows, logits.size / rows])
}
