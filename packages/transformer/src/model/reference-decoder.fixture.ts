import type { ModelConfig } from '../config/index'

/** Parameters on the host, by Hugging Face name, row-major. */
export type HostParameters = Record<string, Float64Array | Float32Array>

/** A Llama in float64, written from the formulas with plain loops: the independent answer for one sequence. [rows][vocabulary] */
export function referenceLogits(
  config: ModelConfig,
  parameters: HostParameters,
  tokens: readonly number[],
): number[][] {
  const { hiddenSize, heads, kvHeads, headDim, layers, vocabularySize } = config
  const weight = (name: string) => parameters[`${name}.weight`]!
  const table = weight('model.embed_tokens')
  let x = tokens.map((id) => Array.from(table.subarray(id * hiddenSize, (id + 1) * hiddenSize)))
  for (let layer = 0; layer < layers; layer++) {
    const part = (name: string) => weight(`model.layers.${layer}.${name}`)
    const normed = x.map((row) => norm(row, part('input_layernorm'), config.rmsNormEpsilon))
    const bias = (name: string, size: number) =>
      parameters[`model.layers.${layer}.${name}.bias`] ?? new Float64Array(size)
    const affine = (row: number[], name: string, size: number) =>
      plus(linear(row, part(name), size), Array.from(bias(name, size)))
    const project = (name: string, count: number) =>
      normed.map((row) => split(affine(row, name, count * headDim), count))
    const headNorm = (head: number[], name: string) =>
      config.qkNorm ? norm(head, part(name), config.rmsNormEpsilon) : head
    const turned = (name: string, count: number) =>
      project(`self_attn.${name}_proj`, count).map((rows, t) =>
        rows.map((head) => rotate(headNorm(head, `self_attn.${name}_norm`), t, config)),
      )
    const q = turned('q', heads)
    const k = turned('k', kvHeads)
    const v = project('self_attn.v_proj', kvHeads)
    const mixed = q.map((row, t) =>
      row.flatMap((query, head) => {
        const group = Math.floor(head / (heads / kvHeads))
        const first = Math.max(0, t + 1 - (config.slidingWindow ?? t + 1))
        const scores = k.slice(first, t + 1).map((key) => dot(query, key[group]!) / Math.sqrt(headDim))
        const probabilities = softmax(scores)
        return query.map((_, d) => probabilities.reduce((sum, p, s) => sum + p * v[first + s]![group]![d]!, 0))
      }),
    )
    const y = x.map((row, t) => plus(row, affine(mixed[t]!, 'self_attn.o_proj', hiddenSize)))
    x = y.map((row) => {
      const fed = norm(row, part('post_attention_layernorm'), config.rmsNormEpsilon)
      const gate = affine(fed, 'mlp.gate_proj', config.intermediateSize)
      const up = affine(fed, 'mlp.up_proj', config.intermediateSize)
      const gated = gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!)
      return plus(row, affine(gated, 'mlp.down_proj', hiddenSize))
    })
  }
  const head = config.tieWordEmbeddings ? table : weight('lm_head')
  return x.map((row) => linear(norm(row, weight('model.norm'), config.rmsNormEpsilon), head, vocabularySize))
}

/** Mean cross-entropy of each next token, in nats. */
export function referenceLoss(config: ModelConfig, parameters: HostParameters, tokens: readonly number[]): number {
  const logits = referenceLogits(config, parameters, tokens.slice(0, -1))
  const losses = logits.map((row, t) => -Math.log(softmax(row)[tokens[t + 1]!]!))
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

function norm(row: number[], weight: ArrayLike<number>, epsilon: number): number[] {
  const scale = 1 / Math.sqrt(dot(row, row) / row.length + epsilon)
  return row.map((value, i) => value * scale * weight[i]!)
}

function linear(row: number[], weight: ArrayLike<number>, size: number): number[] {
  return Array.from({ length: size }, (_, o) =>
    row.reduce((sum, value, i) => sum + value * weight[o * row.length + i]!, 0),
  )
}

/** Pair i is (head[i], head[i + half]), turned by position · θ^(−2i/headDim), stretched as transformers does. */
function rotate(head: number[], position: number, { headDim, ropeTheta, ropeScaling }: ModelConfig): number[] {
  const half = headDim / 2
  return head.map((value, d) => {
    let frequency = 1 / ropeTheta ** ((2 * (d % half)) / headDim)
    if (ropeScaling?.type === 'linear') frequency /= ropeScaling.factor
    if (ropeScaling?.type === 'llama3') {
      const { factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength } = ropeScaling
      const wavelength = (2 * Math.PI) / frequency
      const smooth =
        (originalContextLength / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
      if (wavelength > originalContextLength / lowFrequencyFactor) frequency /= factor
      else if (wavelength >= originalContextLength / highFrequencyFactor)
        frequency = ((1 - smooth) * frequency) / factor + smooth * frequency
    }
    const other = d < half ? -head[d + half]! : head[d - half]!
    return value * Math.cos(position * frequency) + other * Math.sin(position * frequency)
  })
}

function softmax(scores: number[]): number[] {
  const top = Math.max(...scores)
  const weights = scores.map((score) => Math.exp(score - top))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const plus = (a: number[], b: number[]) => a.map((value, i) => value + b[i]!)
const split = (row: number[], parts: number) =>
  Array.from({ length: parts }, (_, i) => row.slice((i * row.length) / parts, ((i + 1) * row.length) / parts))
