import type { LayerType } from '../by-layer'
import { layerTypesOf } from '../by-layer'
import type { Fields } from '../fields'
import { readWindow, windowsByLayer } from '../layer-windows'
import type { ModelConfig } from '../model-config'
import type { LayersRead, ModelFamily } from './family'

/** A Llama in which some layers know no positions (Yang et al. 2025, arXiv 2501.18795). Bakouch et al. 2025, SmolLM3. */
export const smollm3: ModelFamily = {
  modelType: 'smollm3',
  className: 'SmolLM3ForCausalLM',
  baseClassName: 'SmolLM3Model',
  examples: 'SmolLM3',
  defaults: {
    ...{ contextLength: 32_768, kvHeads: 4, ropeTheta: 2_000_000, tieWordEmbeddings: true },
    ...{ bosTokenId: 128_000, eosTokenId: 128_001, padTokenId: 128_004 },
  },
  usedKeys: [
    ...['attention_bias', 'mlp_bias', 'no_rope_layers', 'no_rope_layer_interval'],
    ...['use_sliding_window', 'sliding_window'],
  ],
  read(fields, layers) {
    const layersWithoutRope = readLayersWithoutRope(fields, layers)
    return {
      ...(fields.flag('attention_bias', false) && { attentionBias: 'all' as const }),
      ...(fields.flag('mlp_bias', false) && { mlpBias: true }),
      ...(layersWithoutRope.length > 0 && { layersWithoutRope }),
      ...readWindows(fields, layers, layersWithoutRope),
    }
  },
  write: (config) => ({
    attention_bias: config.attentionBias === 'all',
    mlp_bias: config.mlpBias ?? false,
    no_rope_layers: Array.from({ length: config.layers }, (_, layer) =>
      config.layersWithoutRope?.includes(layer) ? 0 : 1,
    ),
    use_sliding_window: config.slidingWindow !== undefined,
    sliding_window: config.slidingWindow ?? null,
    layer_types: layerTypesOf(config),
  }),
  gguf: {
    architecture: 'smollm3',
    interleaved: true,
    computes: ['ropeScaling'],
    implies({ layers }) {
      const layersWithoutRope = everyNth(interval, layers)
      return layersWithoutRope.length > 0 ? { layersWithoutRope } : {}
    },
    ropeScaling: ['linear'],
  },
}

/** Of layers without rotary positions: transformers' default, and the only one that llama.cpp has. */
const interval = 4

/** The last of every n layers. */
const everyNth = (n: number, layers: number): number[] =>
  Array.from({ length: layers }, (_, layer) => layer).filter((layer) => (layer + 1) % n === 0)

/** By `no_rope_layers`, where 1 is a layer with rotary positions, or else by an interval. */
function readLayersWithoutRope(fields: Fields, { layers }: LayersRead): number[] {
  const marks = fields.get('no_rope_layers')
  if (marks === undefined) return everyNth(fields.count('no_rope_layer_interval', interval), layers)
  const isMark = (mark: unknown) => mark === 0 || mark === 1 || typeof mark === 'boolean'
  if (!Array.isArray(marks) || marks.length < layers || !marks.every(isMark))
    throw fields.wrong('no_rope_layers', `a list of 0 and 1 with one for each layer (${layers})`)
  return marks.slice(0, layers).flatMap((mark, layer) => (mark ? [] : [layer]))
}

/** By `layer_types`; where it is absent, layers without rotary positions have the window. */
function readWindows(
  fields: Fields,
  { layers, layerTypes, contextLength }: LayersRead,
  layersWithoutRope: readonly number[],
): Partial<ModelConfig> {
  const used = fields.flag('use_sliding_window', false)
  if (!used && layerTypes?.includes('sliding_attention'))
    throw fields.wrong('use_sliding_window', 'true, as layer_types has "sliding_attention"')
  const slidingWindow = used ? readWindow(fields) : undefined
  const types = Array.from({ length: layers }, (_, layer): LayerType => {
    if (layerTypes) return layerTypes[layer] as LayerType
    return slidingWindow !== undefined && layersWithoutRope.includes(layer) ? 'sliding_attention' : 'full_attention'
  })
  return windowsByLayer(fields, { layerTypes: types, contextLength }, slidingWindow)
}
