import { slice, type Tensor } from '@outrider/tensor'
import { type ScoredToken, scoreTokens } from '@outrider/transformer'
import type { BlockVerdict } from './verification/verify'

/** What one pass of the target added to a sequence. */
export interface Step {
  /** Drafted tokens that were accepted, then the token of the target itself. */
  tokens: number[]
  /** Tokens that were drafted and proposed. */
  drafted: number
  /** Drafted positions that the pass was over: more than `drafted` where the draft ended early. */
  computed: number
  accepted: number
  /** Those that were not accepted. */
  rejected: number[]
  /** α of each of their positions. */
  overlap: ArrayLike<number>
  /** What the target thought of each token, if that is wanted. */
  scored?: ScoredToken[]
}

/** What a pass has added, by its verdict. */
export function stepOf({ accepted, drafted, next, computed, overlap }: BlockVerdict): Step {
  const tokens = [...drafted.slice(0, accepted), next]
  return { tokens, drafted: drafted.length, computed, accepted, rejected: drafted.slice(accepted), overlap }
}

/**
 * The same with the scores of the tokens that were kept, by the first rows of the target's logits: which ones these are is known by now.
 *
 * @param logits  f32 [rows, vocabulary]
 * @param count   of the likeliest that are told beside each
 */
export async function scoredStep(step: Step, logits: Tensor, count: number): Promise<Step> {
  const { device } = logits
  const { tokens } = step
  const scored = await device.scope(() =>
    scoreTokens(slice(logits, { start: 0, count: tokens.length }), device.tensor(Uint32Array.from(tokens)), count),
  )
  return { ...step, scored }
}
