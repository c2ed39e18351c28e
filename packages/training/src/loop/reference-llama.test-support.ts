import type { ModelConfig } from '@outrider/transformer'

type Weights = Readonly<Record<string, Float64Array>>

/**
 * A Llama and its next-token cross-entropy in float64, transcribed from the formulas with plain loops: an independent
 * implementation for tests, slow on purpose.
 *
 * @returns the mean of −ln p(label) over the positions whose mask is 1
 */
export function referenceLoss(
  config: ModelConfig,
  weights: Weights,
  tokens: ArrayLike<number>,
  labels: ArrayLike<number>,
  mask: ArrayLike<number>,
  length: number,
): number {
  let total = 0
  let count = 0
  for (let begin = 0; begin < tokens.length; begin += length) {
    const sequence = Array.from({ length }, (_, t) => tokens[begin + t]!)
    for (const [t, logits] of forward(config, weights, sequence).entries()) {
      if (!mask[begin + t]) continue
      const largest = Math.max(...logits)
      const shift = largest + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - largest), 0))
      total += shift - logits[labels[begin + t]!]!
      count++
    }
  }
  return total / count
}

/** Logits [length][vocabulary] of one sequence. */
export function forward(config: ModelConfig, weights: Weights, tokens: readonly number[]): number[][] {
  const { hiddenSize, heads, kvHeads, headDim, layers } = config
  const table = weights['model.embed_tokens.weight']!
  let x = tokens.map((id) => Array.from(table.subarray(id * hiddenSize, (id + 1) * hiddenSize)))
  for (let layer = 0; layer < layers; layer++) {
    const w = (name: string) => weights[`model.layers.${layer}.${name}.weight`]!
    const normed = x.map((row) => normalize(row, w('input_layernorm'), config.rmsNormEpsilon))
    const q = normed.map((row, t) => rotate(linear(row, w('self_attn.q_proj')), t, headDim, config.ropeTheta))
    const k = normed.map((row, t) => rotate(linear(row, w('self_attn.k_proj')), t, headDim, config.ropeTheta))
    const v = normed.map((row) => linear(row, w('self_attn.v_proj')))
    const attended = q.map((query, t) => {
      const out: number[] = []
      for (let head = 0; head < heads; head++) {
        const kv = Math.floor(head / (heads / kvHeads))
        const part = (row: number[], at: number) => row.slice(at * headDim, (at + 1) * headDim)
        const scores = k.slice(0, t + 1).map((key) => dot(part(query, head), part(key, kv)) / Math.sqrt(headDim))
        const largest = Math.max(...scores)
        const weightsOfKeys = scores.map((score) => Math.exp(score - largest))
        const sum = weightsOfKeys.reduce((a, b) => a + b, 0)
        for (let d = 0; d < headDim; d++)
          out.push(weightsOfKeys.reduce((a, e, s) => a + (e / sum) * v[s]![kv * headDim + d]!, 0))
      }
      return out
    })
    x = x.map((row, t) => plus(row, linear(attended[t]!, w('self_attn.o_proj'))))
    x = x.map((row) => {
      const inner = normalize(row, w('post_attention_layernorm'), config.rmsNormEpsilon)
      const gate = linear(inner, w('mlp.gate_proj'))
      const up = linear(inner, w('mlp.up_proj'))
      return plus(
        row,
        linear(
          gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!),
          w('mlp.down_proj'),
        ),
      )
    })
  }
  const head = weights['lm_head.weight'] ?? table
  return x.map((row) => linear(normalize(row, weights['model.norm.weight']!, config.rmsNormEpsilon), head))
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const plus = (a: number[], b: number[]) => a.map((value, i) => value + b[i]!)

/** W x for W [out, in]. */
const linear = (x: number[], w: Float64Array) =>
  Array.from({ length: w.length / x.length }, (_, o) => dot(x, w.subarray(o * x.length, (o + 1) * x.length)))

const normalize = (x: number[], weight: Float64Array, epsilon: number) => {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon)
  return x.map((value, i) => value * scale * weight[i]!)
}

/** Rotary embedding of every head in a row, Hugging Face's halves. */
function rotate(row: number[], position: number, headDim: number, theta: number): number[] {
  const half = headDim / 2
  return row.map((value, i) => {
    const d = i % headDim
    const angle = position * theta ** (-(2 * (d % half)) / headDim)
    const other = d < half ? -row[i + half]! : row[i - half]!
    return value * Math.cos(angle) + other * Math.sin(angle)
  })
}
