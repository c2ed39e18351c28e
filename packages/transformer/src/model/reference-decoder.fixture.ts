import type { ModelConfig } from '../config/index'
import { layerTypesOf } from '../config/index'

/** Parameters on the host, by Hugging Face name, row-major. */
export type HostParameters = Record<string, Float64Array | Float32Array>

/** A decoder in float64, written from the formulas with plain loops: the independent answer for one sequence. [rows][vocabulary] */
export function referenceLogits(
  config: ModelConfig,
  parameters: HostParameters,
  tokens: readonly number[],
): number[][] {
  const { hiddenSize, layers, vocabularySize, embeddingScale = 1, residualScale = 1 } = config
  const { normPlacement = 'before', logitScale = 1, logitSoftCap } = config
  const weight = (name: string) => parameters[`${name}.weight`]!
  const table = weight('model.embed_tokens')
  let x = tokens.map((id) =>
    Array.from(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), (value) => value * embeddingScale),
  )
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `model.layers.${layer}.${part}`
    const normed = (row: number[], part: string) => norm(row, weight(name(part)), config)
    const names = {
      before: ['input_layernorm', '', 'post_attention_layernorm', ''],
      after: ['', 'post_attention_layernorm', '', 'post_feedforward_layernorm'],
      around: [
        'input_layernorm',
        'post_attention_layernorm',
        'pre_feedforward_layernorm',
        'post_feedforward_layernorm',
      ],
    }[normPlacement]
    /** The rows with what a block makes of them added. */
    const block = (rows: number[][], [before, after]: string[], compute: (rows: number[][]) => number[][]) => {
      const made = compute(before ? rows.map((row) => normed(row, before)) : rows)
      return rows.map((row, t) =>
        plus(
          row,
          (after ? normed(made[t]!, after) : made[t]!).map((v) => v * residualScale),
        ),
      )
    }
    x = block(x, names.slice(0, 2), (rows) => attend(config, parameters, layer, rows))
    x = block(x, names.slice(2), (rows) => rows.map((row) => feedForward(config, parameters, layer, row)))
  }
  const head = config.tieWordEmbeddings ? table : weight('lm_head')
  return x.map((row) =>
    linear(norm(row, weight('model.norm'), config), head, vocabularySize)
      .map((value) => value * logitScale)
      .map((value) => capped(value, logitSoftCap)),
  )
}

function attend(config: ModelConfig, parameters: HostParameters, layer: number, x: number[][]): number[][] {
  const { hiddenSize, heads, kvHeads, headDim, qkNorm, attentionSoftCap } = config
  const { attentionScale = 1 / Math.sqrt(headDim) } = config
  const part = (name: string) => `model.layers.${layer}.self_attn.${name}`
  const project = (name: string, count: number) => x.map((row) => affine(parameters, part(name), row, count * headDim))
  const turns = x.map((_, t) => turnsOf(config, layer, t, x.length))
  const turned = (name: 'q' | 'k', count: number) =>
    project(`${name}_proj`, count).map((row, t) => {
      const gain = parameters[part(`${name}_norm.weight`)]!
      const whole = qkNorm === 'all' ? norm(row, gain, config) : row
      return split(whole, count).map((head) => rotate(qkNorm === 'head' ? norm(head, gain, config) : head, turns[t]!))
    })
  const q = turned('q', heads)
  const k = turned('k', kvHeads)
  const v = project('v_proj', kvHeads).map((row) => split(row, kvHeads))
  const window = layerTypesOf(config)[layer] === 'sliding_attention' ? config.slidingWindow! : Number.POSITIVE_INFINITY
  const mixed = q.map((row, t) =>
    row.flatMap((query, head) => {
      const group = Math.floor(head / (heads / kvHeads))
      const first = Math.max(0, t + 1 - window)
      const scores = k
        .slice(first, t + 1)
        .map((key) => capped(dot(query, key[group]!) * attentionScale, attentionSoftCap))
      const probabilities = softmax(scores)
      return query.map((_, d) => probabilities.reduce((sum, p, s) => sum + p * v[first + s]![group]![d]!, 0))
    }),
  )
  return mixed.map((row) => affine(parameters, part('o_proj'), row, hiddenSize))
}

function feedForward(config: ModelConfig, parameters: HostParameters, layer: number, row: number[]): number[] {
  const { hiddenSize, intermediateSize, activation = 'silu' } = config
  const part = (name: string) => `model.layers.${layer}.mlp.${name}`
  const gate = affine(parameters, part('gate_proj'), row, intermediateSize)
  const up = affine(parameters, part('up_proj'), row, intermediateSize)
  const gated = gate.map((g, i) => activations[activation](g) * up[i]!)
  return affine(parameters, part('down_proj'), gated, hiddenSize)
}

const activations = {
  silu: (x: number) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
}

/** Mean cross-entropy of each next token, in nats. */
export function referenceLoss(config: ModelConfig, parameters: HostParameters, tokens: readonly number[]): number {
  const logits = referenceLogits(config, parameters, tokens.slice(0, -1))
  const losses = logits.map((row, t) => -Math.log(softmax(row)[tokens[t + 1]!]!))
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

function norm(
  row: number[],
  weight: ArrayLike<number>,
  { rmsNormEpsilon, normOffset = 0 }: Pick<ModelConfig, 'rmsNormEpsilon' | 'normOffset'>,
): number[] {
  const scale = 1 / Math.sqrt(dot(row, row) / row.length + rmsNormEpsilon)
  return row.map((value, i) => value * scale * (normOffset + weight[i]!))
}

function affine(parameters: HostParameters, name: string, row: number[], size: number): number[] {
  const y = linear(row, parameters[`${name}.weight`]!, size)
  const bias = parameters[`${name}.bias`]
  return bias ? plus(y, bias) : y
}

function linear(row: number[], weight: ArrayLike<number>, size: number): number[] {
  const y: number[] = []
  for (let o = 0; o < size; o++) {
    let sum = 0
    for (let i = 0; i < row.length; i++) sum += row[i]! * weight[o * row.length + i]!
    y.push(sum)
  }
  return y
}

interface Turn {
  cos: number
  sin: number
}

/** How pair i is turned at a position: by position · frequency. None where a layer knows no positions. */
function turnsOf(config: ModelConfig, layer: number, position: number, context: number): Turn[] {
  if (config.layersWithoutRope?.includes(layer)) return []
  const { headDim, rotaryDim = headDim, slidingRope } = config
  const isSliding = layerTypesOf(config)[layer] === 'sliding_attention'
  const { ropeTheta, ropeScaling } = slidingRope && isSliding ? slidingRope : config
  const magnitude = ropeScaling && 'attentionFactor' in ropeScaling ? ropeScaling.attentionFactor : 1
  return Array.from({ length: rotaryDim / 2 }, (_, pair) => {
    const frequency = stretched(1 / ropeTheta ** ((2 * pair) / rotaryDim), pair, ropeScaling, {
      rotaryDim,
      ropeTheta,
      context,
    })
    return { cos: magnitude * Math.cos(position * frequency), sin: magnitude * Math.sin(position * frequency) }
  })
}

/** Pair i is (head[i], head[i + half]); what is not turned follows. */
function rotate(head: number[], turns: readonly Turn[]): number[] {
  const half = turns.length
  return head.map((value, d) => {
    if (d >= 2 * half) return value
    const { cos, sin } = turns[d % half]!
    return value * cos + (d < half ? -head[d + half]! : head[d - half]!) * sin
  })
}

/** As transformers stretches frequencies; of LongRoPE, by the length of all that is read. */
function stretched(
  frequency: number,
  pair: number,
  scaling: ModelConfig['ropeScaling'],
  { rotaryDim, ropeTheta, context }: { rotaryDim: number; ropeTheta: number; context: number },
): number {
  if (scaling?.type === 'linear') return frequency / scaling.factor
  if (scaling?.type === 'longrope') {
    const factors = context > scaling.originalContextLength ? scaling.longFactors : scaling.shortFactors
    return frequency / factors[pair]!
  }
  if (scaling?.type === 'yarn') {
    const { factor, originalContextLength, betaFast, betaSlow } = scaling
    const dim = (turns: number) =>
      (rotaryDim * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta))
    const low = Math.max(Math.floor(dim(betaFast)), 0)
    const high = Math.min(Math.ceil(dim(betaSlow)), rotaryDim - 1)
    const ramp = Math.min(1, Math.max(0, (pair - low) / (high - low)))
    return (frequency / factor) * ramp + frequency * (1 - ramp)
  }
  if (scaling?.type !== 'llama3') return frequency
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength } = scaling
  const wavelength = (2 * Math.PI) / frequency
  const smooth = (originalContextLength / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
  if (wavelength > originalContextLength / lowFrequencyFactor) return frequency / factor
  if (wavelength >= originalContextLength / highFrequencyFactor)
    return ((1 - smooth) * frequency) / factor + smooth * frequency
  return frequency
}

function softmax(scores: number[]): number[] {
  const top = Math.max(...scores)
  const weights = scores.map((score) => Math.exp(score - top))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

const capped = (x: number, cap: number | undefined) => (cap === undefined ? x : cap * Math.tanh(x / cap))
const plus = (a: number[], b: ArrayLike<number>) => a.map((value, i) => value + b[i]!)

function dot(a: number[], b: number[]): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const split = (row: number[], parts: number) =>
  Array.from({ length: parts }, (_, i) => row.slice((i * row.length) / parts, ((i + 1) * row.length) / parts))
