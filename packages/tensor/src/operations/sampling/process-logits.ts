import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import countSource from './count-tokens.wgsl'
import source from './process-logits.wgsl'

const kernel = defineKernel({ name: 'processLogits', source })
const countKernel = defineKernel({ name: 'countTokens', source: countSource })

/** What is taken off tokens that the text has already. */
export interface Penalties {
  /** Above 0: positive logits are divided by it and others multiplied, of tokens in the prompt or the answer; 1 for none. */
  repetition: number
  /** Taken off once for each time that the answer has the token; 0 for none. */
  frequency: number
  /** Taken off where the answer has the token; 0 for none. */
  presence: number
}

export interface ProcessLogitsOptions {
  /** The ids of the columns, u32 [columns]; left out, the column is the id. */
  ids?: Tensor | undefined
  /** Added to logits, f32 [V]. */
  bias?: Tensor | undefined
  /** With the penalties, u32 [V]: how often each id was said, and 2³¹ more where it is in the prompt (`countTokens`). */
  counts?: Tensor | undefined
  penalties?: Penalties | undefined
  /** Tokens said behind those that are counted, u32 [first + rows − 1 or more]: row r counts the first `first + r` of them. */
  drafted?: Tensor | undefined
  /** How many of the drafted tokens are before row 0. Default 0. */
  first?: number
  /** The ids that may be drawn, a bit each, u32 [rows, words]: bit `id & 31` of word `id >> 5`. Ids beyond are not allowed. */
  mask?: Tensor | undefined
}

/**
 * Logits as tokens are to be drawn from them: with a bias for each id, penalties for what was said, and without the ids that are
 * not allowed, in the order of vLLM (docs.vllm.ai, vllm.v1.sample.sampler): mask, bias, repetition, then frequency and presence.
 * With c how often the answer has a token, z = x + bias, z ← z > 0 ? z/r : z·r where prompt or answer have it (Keskar et al. 2019,
 * CTRL, arXiv 1909.05858), y = z − frequency·c − presence·[c > 0] (OpenAI's API reference). A row is a function of its own logits
 * and the tokens before it, bit for bit, whatever rows are beside it.
 *
 * @param logits  f32 [rows, columns]
 * @returns f32 [rows, columns]; masked is −3e38. What is NaN or +∞ stays that. Not differentiable.
 * @throws ShapeError where a mask has other rows, or too few tokens are drafted; DTYPE_MISMATCH if logits are not f32
 */
export function processLogits(
  logits: Tensor,
  { ids, bias, counts, penalties = noPenalties, drafted, first = 0, mask }: ProcessLogitsOptions,
): Tensor {
  const { device } = logits
  const columns = logits.shape.at(-1)!
  const rows = logits.size / columns
  if (logits.dtype !== 'f32')
    throw new OutriderError('DTYPE_MISMATCH', `processLogits: the logits are ${logits.dtype}.`, {
      remedy: "cast(logits, 'f32') first.",
    })
  if (ids && ids.size !== columns)
    throw new ShapeError('processLogits', [logits.shape, ids.shape], 'must have an id for each column')
  if (mask && mask.shape[0] !== rows)
    throw new ShapeError('processLogits', [logits.shape, mask.shape], 'must have a mask for each row')
  if (drafted && drafted.size < first + rows - 1)
    throw new ShapeError('processLogits', [logits.shape, drafted.shape], 'must have a drafted token before each row')
  const y = device.empty(logits.shape)
  // What is not given is bound, and not read.
  const none = ids ?? counts ?? drafted ?? mask ?? logits
  device.run(kernel, {
    bindings: {
      x: logits,
      ids: ids ?? none,
      bias: bias ?? logits,
      counts: counts ?? none,
      drafted: drafted ?? none,
      mask: mask ?? none,
      y,
    },
    params: {
      count: logits.size,
      columns,
      vocabulary: counts?.size ?? bias?.size ?? columns,
      words: mask ? mask.size / rows : 0,
      first,
      hasDrafted: drafted ? 1 : 0,
      covered: ids ? 1 : 0,
      biased: bias ? 1 : 0,
      counted: counts ? 1 : 0,
      ...penalties,
    },
    workgroups: linearWorkgroups(Math.ceil(logits.size / 64)),
  })
  return y
}

const noPenalties: Penalties = { repetition: 1, frequency: 0, presence: 0 }

/**
 * Counts tokens that were said: `counts[token]` grows by one for each. Ids beyond the counts are passed over.
 *
 * @param counts  u32 [V]
 * @param tokens  u32 [n], a few
 */
export function countTokens(counts: Tensor, tokens: Tensor): void {
  counts.device.run(countKernel, {
    bindings: { tokens, counts },
    params: { tokenCount: tokens.size, vocabulary: counts.size },
    workgroups: [1],
  })
}

/** What an id's count begins with where the prompt has it. */
export const inPrompt = 2 ** 31
