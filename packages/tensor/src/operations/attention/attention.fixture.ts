import { uniform01 } from '../../random/philox'

export interface AttentionShape {
  batch: number
  rows: number
  heads: number
  keys: number
  kvHeads: number
  headDim: number
}

export interface AttentionRule {
  /** Whether a row of a sequence sees a key. */
  sees: (sequence: number, row: number, key: number) => boolean
  scale?: number | undefined
  softCap?: number | undefined
}

export const randomNumbers = (size: number, stream: number, reach = 2): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, i) => reach * (2 * uniform01(stream, i) - 1))

/** Rows see the keys up to their positions, `starts` on, and no further back than the window. */
export const causal =
  (starts: readonly number[], window = Number.POSITIVE_INFINITY): AttentionRule['sees'] =>
  (b, t, key) =>
    key <= starts[b]! + t && key + window > starts[b]! + t

/** What the rows of each sequence see: `prefix`, `group` and `bits` of each. */
export type Visibility = readonly (readonly (readonly [prefix: number, group: number, bits: number])[])[]

/** Rows see the keys of a prefix and those of a group whose bits are set, and of all these the last `window`. */
export const seenBy =
  (visibility: Visibility, starts: readonly number[], window = Number.POSITIVE_INFINITY): AttentionRule['sees'] =>
  (b, t, key) => {
    const [prefix, group, bits] = visibility[b]![t]!
    const seen = Array.from({ length: starts[b]! + prefix }, (_, j) => j)
    for (let i = 0; i < 32; i++) if ((bits >>> i) & 1) seen.push(starts[b]! + group + i)
    return seen.slice(Math.max(0, seen.length - window)).includes(key)
  }

/** softmax(scores) v and its gradients in float64, row by row as it is written; a row that sees nothing gives zeros. */
export function attentionInFloat64(
  { q, k, v, dout }: { q: Float32Array; k: Float32Array; v: Float32Array; dout?: Float32Array },
  { batch, rows, heads, keys, kvHeads, headDim }: AttentionShape,
  { sees, scale = 1 / Math.sqrt(headDim), softCap }: AttentionRule,
): Record<'out' | 'dq' | 'dk' | 'dv', Float64Array> {
  const [out, dq] = [new Float64Array(q.length), new Float64Array(q.length)]
  const [dk, dv] = [new Float64Array(k.length), new Float64Array(k.length)]
  const dot = (a: Float32Array, at: number, b: Float32Array, bt: number) => {
    let sum = 0
    for (let d = 0; d < headDim; d++) sum += a[at + d]! * b[bt + d]!
    return sum
  }
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < rows; t++)
      for (let h = 0; h < heads; h++) {
        const at = ((b * rows + t) * heads + h) * headDim
        const kv = (key: number) => ((b * keys + key) * kvHeads + Math.floor(h / (heads / kvHeads))) * headDim
        const seen = Array.from({ length: keys }, (_, key) => key).filter((key) => sees(b, t, key))
        const plain = seen.map((key) => scale * dot(q, at, k, kv(key)))
        const scores = softCap ? plain.map((score) => softCap * Math.tanh(score / softCap)) : plain
        const largest = Math.max(...scores)
        const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0)
        const chances = scores.map((score) => Math.exp(score - largest) / total)
        for (const [i, key] of seen.entries())
          for (let d = 0; d < headDim; d++) out[at + d]! += chances[i]! * v[kv(key) + d]!
        if (!dout) continue
        const gains = seen.map((key) => dot(dout, at, v, kv(key)))
        const mean = gains.reduce((sum, gain, i) => sum + chances[i]! * gain, 0)
        for (const [i, key] of seen.entries()) {
          const slope = softCap ? 1 / Math.cosh(plain[i]! / softCap) ** 2 : 1
          const dproduct = chances[i]! * (gains[i]! - mean) * slope * scale
          for (let d = 0; d < headDim; d++) {
            dq[at + d]! += dproduct * k[kv(key) + d]!
            dk[kv(key) + d]! += dproduct * q[at + d]!
            dv[kv(key) + d]! += chances[i]! * dout[at + d]!
          }
        }
      }
  return { out, dq, dk, dv }
}
