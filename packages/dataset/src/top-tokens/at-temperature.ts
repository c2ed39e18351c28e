import { OutriderError } from '@outrider/tensor'
import { nothing, type RowTopTokens } from './top-tokens'

/** What of a target's distribution is learned from k tokens of it. */
export interface TopTokenReading {
  /**
   * `bucket`: the others are one event, of which p and q are compared; `cut`: the target is taken to say these k alone, as with top-k
   * sampling, and what is computed is exact of that. Default bucket.
   */
  rest?: 'bucket' | 'cut' | undefined
  /** q is that of this temperature. Default 1, at which it is stored. */
  temperature?: number | undefined
}

/** So much of q may be unknown at another temperature. */
const mostUnknown = 1e-3

/**
 * The same at another temperature τ, or cut to its k tokens: q_τ(x) ∝ q(x)^(1/τ). What the others have then depends on how their
 * probability is spread among them, which is not stored; it lies between that of an even spread and that of as many as can be as likely
 * as the last of the k (Karamata: x^(1/τ) is convex or concave). The middle is taken where both are within 0.001 of q.
 *
 * @param vocabularySize  tokens, these k among them
 * @throws OutriderError UNSUPPORTED where they are further apart; INVALID_ARGUMENT for a temperature that is none
 */
export function readTopTokens(
  row: RowTopTokens,
  { rest = 'bucket', temperature = 1 }: TopTokenReading,
  vocabularySize: number,
): Pick<RowTopTokens, 'ids' | 'logProbabilities' | 'logRest'> {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new OutriderError('INVALID_ARGUMENT', `A temperature of ${temperature} is none.`, {
      remedy: 'Give one above 0: at 0 all is the likeliest token, which is learned as a label.',
    })
  const { k, ids } = row
  if (rest === 'bucket' && temperature === 1) return row
  const logProbabilities = new Float32Array(row.logProbabilities.length)
  const logRest = new Float32Array(row.logRest.length)
  const power = 1 / temperature
  for (const [place, stored] of row.logRest.entries()) {
    const logs = row.logProbabilities.subarray(place * k, (place + 1) * k).map((x) => Math.max(x, -1e30))
    const masses = Array.from(logs, (x) => Math.exp(power * x))
    const known = masses.reduce((sum, mass) => sum + mass, 0)
    const isWhole = rest === 'cut' || stored <= nothing
    const [least, most] = isWhole ? [0, 0] : othersAt(power, Math.exp(stored), logs.at(-1)!, vocabularySize - k)
    const total = known + (least + most) / 2
    if ((most - least) / 2 > mostUnknown * total) throw unknowable(temperature)
    for (const [i, x] of logs.entries()) logProbabilities[place * k + i] = power * x - Math.log(total)
    logRest[place] = most > 0 ? Math.log((least + most) / 2 / total) : nothing
  }
  return { ids, logProbabilities, logRest }
}

/** Between what the others' Σ q^power lies, of `mass` among so many, none likelier than the last of the k. */
function othersAt(power: number, mass: number, last: number, count: number): [number, number] {
  const even = count * (mass / count) ** power
  const uneven = mass * Math.exp((power - 1) * last)
  return [Math.min(even, uneven), Math.max(even, uneven)]
}

const unknowable = (temperature: number) =>
  new OutriderError(
    'UNSUPPORTED',
    `What a target says at temperature ${temperature} cannot be told from its shards: the tokens that are not in them may have more than ${mostUnknown} of it.`,
    { remedy: 'Score more tokens a place, cut q to those that are there, or learn temperature 1.' },
  )
