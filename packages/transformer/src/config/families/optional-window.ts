import type { Fields } from '../fields'
import { readWindow, windowsByLayer } from '../layer-windows'
import type { ModelConfig } from '../model-config'
import type { LayersRead } from './family'

export const optionalWindowKeys = ['use_sliding_window', 'sliding_window', 'max_window_layers'] as const

/**
 * The sliding window of Qwen's files: there where `use_sliding_window` says so, in the layers that `layer_types` names, or
 * without that from `max_window_layers` on.
 */
export function readOptionalWindow(
  fields: Fields,
  { layers, layerTypes, contextLength }: LayersRead,
): Partial<ModelConfig> {
  const used = fields.flag('use_sliding_window', false)
  if (!used && layerTypes?.includes('sliding_attention'))
    throw fields.wrong('use_sliding_window', 'true, as layer_types has "sliding_attention"')
  if (!used) return {}
  const window = readWindow(fields, 4096)
  const first = fields.number('max_window_layers', 0, Number.MAX_SAFE_INTEGER) ?? 28
  const types =
    layerTypes ??
    Array.from({ length: layers }, (_, layer) =>
      window !== undefined && layer >= first ? 'sliding_attention' : 'full_attention',
    )
  return windowsByLayer(fields, { layerTypes: types, contextLength }, window)
}

export function writeOptionalWindow({ slidingWindow, layerTypes }: ModelConfig): Record<string, unknown> {
  if (slidingWindow === undefined) return { use_sliding_window: false }
  return {
    use_sliding_window: true,
    sliding_window: slidingWindow,
    max_window_layers: layerTypes?.indexOf('sliding_attention') ?? 0,
    ...(layerTypes && { layer_types: layerTypes }),
  }
}
