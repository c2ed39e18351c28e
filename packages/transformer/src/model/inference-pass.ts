import {
  add,
  attention,
  embedding,
  type LinearOptions,
  linear,
  multiply,
  type RmsNorm,
  rmsNorm,
  ropeIntoCache,
  type Start,
  type Tensor,
} from '@outrider/tensor'
import { gated } from './activation'
import type { AttentionBlock, Layer, MlpBlock, ModelDescription, Norm, Projection } from './layer'
import type { ModelParameters } from './parameters'
import type { RotaryTables, Rotation } from './rotary-tables'

/** Keys and values of one layer, f32 or f16 [batch, capacity, kvHeads, headDim], or in q8_0 (`ropeIntoCache`). */
export interface LayerCache {
  keys: Tensor
  values: Tensor
}

/** Where the rows of a pass stand. */
export interface PassPlace {
  /** Position of row 0, by sequence. */
  start: Start
  /** Positions that the sequences may have in all: what is computed otherwise in long contexts goes by it. */
  context: number
  /** Where a layer's keys and values are, and where the new ones go. */
  cacheOf: (layer: number) => LayerCache
  /** Where rows lie packed, and attention has them by sequence. */
  packing?: Packing | undefined
  /** The most rows of a sequence: kernels go by it, and not by how many sequences there are. Default all rows. */
  sequenceRows?: number | undefined
}

/** Rows of sequences of unequal counts, one sequence's behind the other's; and places for as many rows of each. */
export interface Packing {
  /** The row at every place, of padding any: u32 [batch, places]. */
  rows: Tensor
  /** The place of every row: u32 [rows]. */
  places: Tensor
}

/**
 * The hidden states of a model before its last norm, for inference: what `trainingPass` computes, within rounding, in 8 dispatches
 * a layer instead of 15 where norms are before the blocks. Matrices may be of any format that `linear` takes.
 *
 * @param tokens  u32 [batch, rows], or packed [1, rows]
 * @returns f32 [batch, rows, hidden], of the tokens' batch and rows
 */
export function inferencePass(
  { embedding: table, layers }: ModelDescription,
  parameters: ModelParameters,
  tokens: Tensor,
  tables: RotaryTables,
  { start, context, cacheOf, packing, sequenceRows }: PassPlace,
): Tensor {
  const { device } = tokens
  let x = device.scope(() => {
    const rows = embedding(parameters[table.weight]!, tokens)
    return table.scale === 1 ? rows : multiply(rows, table.scale)
  }) // [batch, rows, hidden]
  for (const [index, layer] of layers.entries()) {
    const before = x
    x = device.scope(() => {
      const fused = new FusedLayer(layer, parameters, sequenceRows)
      const rotation = tables.of(layer.attention.rope, context)
      return fused.mlp(fused.attention(before, rotation, { start, packing }, cacheOf(index)))
    })
    before.dispose()
  }
  return x
}

/** A layer in few dispatches: norms before a projection are computed with it, and so is what it is added to. */
class FusedLayer {
  readonly #layer: Layer
  readonly #parameters: ModelParameters
  readonly #sequenceRows: number | undefined

  constructor(layer: Layer, parameters: ModelParameters, sequenceRows: number | undefined) {
    this.#layer = layer
    this.#parameters = parameters
    this.#sequenceRows = sequenceRows
  }

  attention(
    x: Tensor,
    rotation: Rotation,
    { start, packing }: Pick<PassPlace, 'start' | 'packing'>,
    cache: LayerCache,
  ): Tensor {
    const block = this.#layer.attention
    const input = (projection: Projection, norm?: Norm) => {
      const projected = this.#project(x, projection, block.before)
      // As wide as the norm's weight: a head, or all of them.
      if (!norm) return projected
      return this.#normed(projected.reshape([projected.size / norm.size, norm.size]), norm).reshape(projected.shape)
    }
    const q = input(block.q, block.qNorm) // [batch, rows, heads · headDim]
    const k = input(block.k, block.kNorm) // [batch, rows, kvHeads · headDim]
    const v = input(block.v)
    const placed = (rows: Tensor) => (packing ? gathered(rows, packing.rows) : rows)
    const inputs = { q: placed(q), k: placed(k), v: placed(v) }
    const queries = ropeIntoCache(inputs, cache, { ...rotation, start }) // [batch, rows, heads, headDim]
    const { window, scale, softCap } = block
    const sight = { start, window, scale, softCap }
    const heads = attention(queries, cache.keys, cache.values, sight).reshape(inputs.q.shape)
    const mixed = packing ? gathered(heads, packing.places).reshape(q.shape) : heads
    return this.#added(x, mixed, block.output, block)
  }

  mlp(x: Tensor): Tensor {
    const { mlp } = this.#layer
    return this.#added(x, this.#gated(x, mlp), mlp.down, mlp)
  }

  #gated(x: Tensor, { gate, up, before, activation }: MlpBlock): Tensor {
    if (gate.bias || up.bias) return gated(activation, this.#project(x, gate, before), this.#project(x, up, before))
    const gating = { up: this.#parameters[up.weight]!, activation }
    return this.#linear(x, gate, { norm: this.#norm(before), ...gating })
  }

  /** x + scale · (input · weightᵀ + bias), normed before it is added where the block has such a norm. */
  #added(x: Tensor, input: Tensor, projection: Projection, { after }: AttentionBlock | MlpBlock): Tensor {
    const { residualScale } = this.#layer
    if (!after && residualScale === 1) return this.#linear(input, projection, { residual: x })
    const y = this.#linear(input, projection)
    const normed = after ? this.#normed(y, after) : y
    return add(x, residualScale === 1 ? normed : multiply(normed, residualScale))
  }

  #project(x: Tensor, projection: Projection, before: Norm | undefined): Tensor {
    return this.#linear(x, projection, { norm: this.#norm(before) })
  }

  #linear(x: Tensor, { weight, bias }: Projection, options: LinearOptions = {}): Tensor {
    const parameters = this.#parameters
    const own = { bias: bias ? parameters[bias]! : undefined, sequenceRows: this.#sequenceRows }
    return linear(x, parameters[weight]!, { ...options, ...own })
  }

  #normed(x: Tensor, norm: Norm): Tensor {
    return rmsNorm(x, this.#parameters[norm.weight]!, norm)
  }

  #norm(norm: Norm | undefined): RmsNorm | undefined {
    return norm && withWeight(norm, this.#parameters)
  }
}

/** Rows [..., columns] by their places: [...places, columns]. */
function gathered(rows: Tensor, places: Tensor): Tensor {
  const columns = rows.shape.at(-1)!
  return embedding(rows.reshape([rows.size / columns, columns]), places)
}

/** A norm as `linear` takes it. */
export const withWeight = (norm: Norm, parameters: ModelParameters): RmsNorm => ({
  ...norm,
  weight: parameters[norm.weight]!,
})
