import { concat, defineKernel, slice, type Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '@outrider/transformer'
import { writeRows } from '../drafter/probability-rows'
import type { ToJudge } from './passes'
import withinSource from './within.wgsl'

export interface ReadDraftOptions {
  cache: KvCache
  /** The token before the draft, u32 [1, 1]. */
  unread: Tensor
  draft: ToJudge
  /** Whether this is the body of a `RepeatedStep`: what is recorded can be skipped. */
  isRepeated: boolean
}

/**
 * The target's pass over a draft and the token before it.
 *
 * @returns logits after each of them, f32 [γ + 1, V]; those behind the last proposed token may be anything
 */
export function readDraft(target: CausalLM, { cache, unread, draft, isRepeated }: ReadDraftOptions): Tensor {
  const rows = draft.tokens.size + 1
  const tokens = concat([unread.reshape([1]), draft.tokens]) // [γ + 1]
  const { device } = target
  if (draft.count && isRepeated && target.isReplayable && device.isSoftware)
    return readProposed(target, cache, tokens, draft.count)
  const logits = target.forward(tokens.reshape([1, rows]), { cache }) // [1, γ + 1, V]
  return logits.reshape([rows, logits.size / rows])
}

/** Numbers of rows that there are passes for, beside the one over all. */
const fewerRows = [2, 4, 8]

/**
 * Passes over some rows and over all, of which the device runs the shortest that reads all proposed tokens. What is not run costs
 * its commands, about 16 µs each, and a row on a processor a good part of a pass; on a GPU rows are nearly free, and it
 * would not pay.
 */
function readProposed(target: CausalLM, cache: KvCache, tokens: Tensor, proposed: Tensor): Tensor {
  const { device, config } = target
  const start = cache.lengths[0]!
  const rows = tokens.size
  const logits = device.empty([rows, config.vocabularySize])
  let passed = -1
  for (const count of [...fewerRows.filter((few) => few < rows), rows]) {
    cache.truncate(start)
    device.when(within(proposed, passed + 1, count - 1), () =>
      device.scope(() => {
        const some = slice(tokens, { start: 0, count }).reshape([1, count])
        writeRows(target.forward(some, { cache }), logits)
      }),
    )
    passed = count - 1
  }
  return logits
}

const withinKernel = defineKernel({ name: 'within', source: withinSource })

/** Whether a count is from `least` to `most`, u32 [1]. */
function within(count: Tensor, least: number, most: number): Tensor {
  const y = count.device.empty([1], 'u32')
  count.device.run(withinKernel, { bindings: { count, y }, params: { least, most }, workgroups: [1] })
  return y
}
