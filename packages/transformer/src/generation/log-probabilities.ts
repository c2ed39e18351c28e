import { gather, logSoftmax, OutriderError, type Tensor, topK } from '@outrider/tensor'

/** A token and the natural logarithm of its probability. */
export interface LogProbability {
  token: number
  logProbability: number
}

/** A token that was chosen, and what else the model thought likely in its place. */
export interface ScoredToken extends LogProbability {
  /** The likeliest tokens, the likeliest first; the chosen one may be among them. */
  likeliest: LogProbability[]
}

/**
 * What the model itself thinks of tokens: ln softmax(logits), before temperature, top-k and top-p. It is queued at once, so the
 * tensors may be freed after the call; waiting for the result costs one readback.
 *
 * @param logits  f32 [rows, vocabulary]
 * @param tokens  the token chosen in each row, u32 [rows]
 * @param count   how many of the likeliest tokens are wanted; 0 for none
 */
export async function scoreTokens(logits: Tensor, tokens: Tensor, count: number): Promise<ScoredToken[]> {
  const { device } = logits
  const [rows, vocabulary] = logits.shape as [number, number]
  const k = Math.min(count, vocabulary)
  const reading = device.scope(() => {
    const scores = logSoftmax(logits) // [rows, vocabulary]
    const top = k > 0 ? topK(scores, k) : undefined // [rows, k]
    return device.read([tokens, gather(scores, tokens), ...(top ? [top.indices, top.values] : [])])
  })
  const [ids, chosen, indices, values] = await reading
  const [tokenOf, scoreOf] = [new Uint32Array(ids!), new Float32Array(chosen!)]
  const [likely, likelyScores] = [new Uint32Array(indices ?? empty), new Float32Array(values ?? empty)]
  return Array.from({ length: rows }, (_, row) => ({
    token: tokenOf[row]!,
    logProbability: scoreOf[row]!,
    likeliest: Array.from({ length: k }, (_, rank) => ({
      token: likely[row * k + rank]!,
      logProbability: likelyScores[row * k + rank]!,
    })),
  }))
}

const empty = new ArrayBuffer(0)

/**
 * The option `logProbabilities`, checked.
 *
 * @throws OutriderError INVALID_ARGUMENT
 */
export function checkedCount(logProbabilities: number | undefined): number | undefined {
  if (logProbabilities === undefined || (Number.isInteger(logProbabilities) && logProbabilities >= 0))
    return logProbabilities
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `logProbabilities is ${logProbabilities}; it must be a whole number, 0 or more.`,
  )
}
