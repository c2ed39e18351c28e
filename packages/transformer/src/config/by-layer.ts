import type { ModelConfig } from './model-config'
import type { Rope } from './rope-scaling'

/** What a layer attends to, by transformers' names: all before a token, or a window. */
export type LayerType = 'full_attention' | 'sliding_attention'

type Windows = Pick<ModelConfig, 'layers' | 'slidingWindow' | 'layerTypes'>

/** What each layer attends to. */
export function layerTypesOf({ layers, slidingWindow, layerTypes }: Windows): readonly LayerType[] {
  return (
    layerTypes ??
    new Array<LayerType>(layers).fill(slidingWindow === undefined ? 'full_attention' : 'sliding_attention')
  )
}

/** Positions that a layer's tokens attend to, their own included; undefined: all before them. */
export function windowOfLayer(config: ModelConfig, layer: number): number | undefined {
  return layerTypesOf(config)[layer] === 'sliding_attention' ? config.slidingWindow : undefined
}

/** The rotary positions of a layer, or undefined where it has none. */
export function ropeOfLayer(config: ModelConfig, layer: number): Rope | undefined {
  if (config.layersWithoutRope?.includes(layer)) return undefined
  const { headDim, rotaryDim = headDim, slidingRope } = config
  const { ropeTheta, ropeScaling } = slidingRope && windowOfLayer(config, layer) !== undefined ? slidingRope : config
  return { ropeTheta, ...(ropeScaling && { ropeScaling }), rotaryDim }
}
