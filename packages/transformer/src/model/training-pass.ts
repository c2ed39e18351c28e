import {
  activationCheckpoint,
  add,
  attention,
  cast,
  embedding,
  matmul,
  multiply,
  rmsNorm,
  rope,
  type Tensor,
} from '@outrider/tensor'
import { gated } from './activation'
import type { AttentionBlock, Layer, MlpBlock, ModelDescription, Norm, Projection } from './layer'
import type { ModelParameters } from './parameters'
import type { RotaryTables } from './rotary-tables'

export interface TrainingPassOptions {
  /** Keep only what is between the layers, and compute each again for its gradient. Default false. */
  activationCheckpointing?: boolean | undefined
}

/** Where the tokens of a pass are and what each sees, where they are not sequences that are read in their order. */
export interface TrainingPlaces {
  /** u32 [batch · rows]: the position of each. */
  positions: Tensor
  /** u32 [batch, rows, 3]: which of its sequence each sees, as `attention` takes it. */
  visibility: Tensor
  /** Positions that the sequences may have: a model may compute otherwise in long contexts than in short ones. */
  context: number
}

export interface PlacedPassOptions extends TrainingPassOptions {
  /** Default: every sequence begins at position 0, and each token sees those up to itself. */
  places?: TrainingPlaces | undefined
}

/**
 * The hidden states that the head turns into logits: embedding, layers, final norm. Differentiable in the parameters: for
 * training. Every sequence begins at position 0, unless places say otherwise. Of f16 matrices all activations are f16; what is summed, norms and softmaxes
 * are f32.
 *
 * @param parameters  by Hugging Face name; f32, or the matrices f16 where the device has `shader-f16`
 * @param tokens      u32 [batch, rows]
 * @returns f32 or f16 [batch, rows, hidden]
 */
export function trainingPass(
  { embedding: table, layers, norm }: ModelDescription,
  parameters: ModelParameters,
  tokens: Tensor,
  tables: RotaryTables,
  { activationCheckpointing = false, places }: PlacedPassOptions = {},
): Tensor {
  const { device } = tokens
  const embedded = () => {
    const rows = parameters[table.weight]!
    return scaled(embedding(rows, tokens, { dtype: rows.dtype === 'f16' ? 'f16' : 'f32' }), table.scale)
  }
  // A scope within the next one's, so that what no gradient reads is freed as soon as the next layer is computed.
  const statesAfter = (count: number): Tensor =>
    device.scope(() => {
      if (count === 0) return embedded()
      const layer = layers[count - 1]!
      const inputs = {
        x: statesAfter(count - 1),
        parameters: ofLayer(layer, parameters),
        read: places ? [places.positions, places.visibility] : [], // held until the layer is computed again
      }
      const compute = ({ x, parameters }: typeof inputs) => trainLayer(layer, parameters, x, { tables, places })
      return activationCheckpointing ? activationCheckpoint(inputs, compute) : compute(inputs)
    }) // [batch, rows, hidden]
  return device.scope(() => normed(statesAfter(layers.length), norm, parameters))
}

/** The parameters of a layer: all whose gradients go through it. */
function ofLayer({ attention, mlp }: Layer, parameters: ModelParameters): ModelParameters {
  const parts = [...Object.values(attention), ...Object.values(mlp)].flatMap((part) =>
    typeof part === 'object' && 'weight' in part ? [part.weight, 'bias' in part ? part.bias : undefined] : [],
  )
  return Object.fromEntries(parts.flatMap((name) => (name ? [[name, parameters[name]!]] : [])))
}

/** What a layer's attention knows of positions. */
interface PassPositions {
  tables: RotaryTables
  places: TrainingPlaces | undefined
}

function trainLayer(layer: Layer, parameters: ModelParameters, x: Tensor, positions: PassPositions): Tensor {
  const { attention, mlp, residualScale } = layer
  const block = ({ before, after }: AttentionBlock | MlpBlock, x: Tensor, body: (x: Tensor) => Tensor) => {
    const y = body(before ? normed(x, before, parameters) : x)
    return add(x, scaled(after ? normed(y, after, parameters) : y, residualScale))
  }
  const y = block(attention, x, (x) => attend(attention, parameters, x, positions)) // [batch, rows, hidden]
  return block(mlp, y, (y) => {
    const gate = project(y, mlp.gate, parameters) // [batch, rows, intermediate]
    return project(gated(mlp.activation, gate, project(y, mlp.up, parameters)), mlp.down, parameters)
  })
}

function attend(
  block: AttentionBlock,
  parameters: ModelParameters,
  x: Tensor,
  { tables, places }: PassPositions,
): Tensor {
  const { heads, kvHeads, headDim, window, scale, softCap } = block
  const [batch, rows] = x.shape as [number, number, number]
  const rotation = block.rope && tables.of(block.rope, places?.context ?? rows)
  const turned = (projection: Projection, norm: Norm | undefined, heads: number) => {
    const projected = project(x, projection, parameters)
    const shape = [batch, rows, heads, headDim]
    // As wide as the norm's weight: a head, or all of them.
    const apart = norm
      ? normed(projected.reshape([projected.size / norm.size, norm.size]), norm, parameters)
      : projected
    const split = apart.reshape(shape)
    if (!rotation) return split
    if (!places) return rope(split, rotation)
    // Every token as a sequence of its own, that begins where the token is.
    const alone = split.reshape([batch * rows, 1, heads, headDim])
    return rope(alone, { ...rotation, start: places.positions }).reshape(shape)
  }
  const q = turned(block.q, block.qNorm, heads) // [batch, rows, heads, headDim]
  const k = turned(block.k, block.kNorm, kvHeads)
  const v = project(x, block.v, parameters).reshape([batch, rows, kvHeads, headDim])
  const mixed = attention(q, k, v, { window, scale, softCap, visibility: places?.visibility }) // [batch, rows, heads, headDim]
  return project(mixed.reshape([batch, rows, heads * headDim]), block.output, parameters)
}

function project(x: Tensor, { weight, bias }: Projection, parameters: ModelParameters): Tensor {
  const y = matmul(x, parameters[weight]!, { transposeB: true })
  return bias ? add(y, cast(parameters[bias]!, y.dtype)) : y
}

const normed = (x: Tensor, norm: Norm, parameters: ModelParameters): Tensor =>
  rmsNorm(x, parameters[norm.weight]!, norm)

const scaled = (x: Tensor, scale: number): Tensor => (scale === 1 ? x : multiply(x, scale))
