import type { OutriderError } from '@outrider/tensor'
import type { GgufFields } from '../../files/gguf/fields'
import type { GgufValue } from '../../files/gguf/value'
import { type LayerType, layerTypesOf } from '../by-layer'
import type { Fields } from '../fields'
import { readWindow } from '../layer-windows'
import type { ModelConfig } from '../model-config'
import { sizeLimits } from '../size-limits'
import type { LayersRead } from './family'

type Windows = Pick<ModelConfig, 'slidingWindow' | 'layerTypes'>

/**
 * The window of a config.json whose layers have it by `layer_types`, or without that all but every `period`th.
 *
 * @throws OutriderError FILE_FORMAT where layers have a window and there is none
 */
export function readAlternatingWindows(fields: Fields, { layers, layerTypes }: LayersRead, period: number): Windows {
  const types = (layerTypes ?? alternating(layers, period)) as readonly LayerType[]
  if (!types.includes('sliding_attention')) return {}
  const slidingWindow = readWindow(fields, 4096)
  if (slidingWindow === undefined) throw fields.wrong('sliding_window', 'a positive integer, as layers have a window')
  return { slidingWindow, layerTypes: types }
}

/** Without a window, transformers wants the number nevertheless: it takes its own. */
export function writeAlternatingWindows(config: ModelConfig): Record<string, unknown> {
  const { slidingWindow } = config
  return { ...(slidingWindow !== undefined && { sliding_window: slidingWindow }), layer_types: layerTypesOf(config) }
}

const patternKey = 'attention.sliding_window_pattern'

/** Metadata keys that `readGgufWindows` uses beside those of all. */
export const ggufWindowKeys = [patternKey] as const

/** The same of a GGUF file: `fallback` is the window where the file has none, undefined that there is none then. */
export function readGgufWindows(
  fields: GgufFields,
  { period, fallback }: { period: number; fallback?: number },
): Windows {
  const key = 'attention.sliding_window'
  if (fallback === undefined && (fields.get(key) ?? 0) === 0) return {}
  const slidingWindow = fields.count(key, sizeLimits.contextLength, fallback)
  const layers = fields.count('block_count', sizeLimits.layers)
  return { slidingWindow, layerTypes: alternating(layers, fields.count(patternKey, sizeLimits.layers + 1, period)) }
}

/** @throws OutriderError for layers that alternate in no way that llama.cpp has */
export function writeGgufWindows(
  config: ModelConfig,
  period: number,
  refuse: (what: string) => OutriderError,
): Record<string, GgufValue> {
  const { layers, slidingWindow } = config
  if (slidingWindow === undefined) return {}
  const types = layerTypesOf(config).join()
  const periods = [period, ...Array.from({ length: layers + 1 }, (_, i) => i + 1)]
  const found = periods.find((period) => alternating(layers, period).join() === types)
  if (found === undefined) throw refuse('window in layers that follow no period')
  return {
    'attention.sliding_window': { type: 'u32', value: slidingWindow },
    ...(found !== period && { [patternKey]: { type: 'u32', value: found } }),
  }
}

/** A window in all layers but every `period`th. */
const alternating = (layers: number, period: number): LayerType[] =>
  Array.from({ length: layers }, (_, layer) => ((layer + 1) % period === 0 ? 'full_attention' : 'sliding_attention'))
