import type { Fields } from '../fields'
import type { ModelConfig } from '../model-config'
import { sizeLimits } from '../size-limits'

/**
 * The sliding window of Qwen's files: there where `use_sliding_window` says so, in the layers from `max_window_layers` on.
 * Only none or all of them is implemented.
 */
export function readOptionalWindow(fields: Fields, layers: number): Partial<ModelConfig> {
  if (!fields.flag('use_sliding_window', false)) return {}
  const firstLayer = fields.number('max_window_layers', 0, Number.MAX_SAFE_INTEGER) ?? 28
  if (firstLayer >= layers) return {}
  if (firstLayer > 0)
    throw fields.unsupported(
      `a sliding window in some layers only (max_window_layers ${firstLayer} of ${layers}) is not supported`,
      'Supported: a window in all layers or in none.',
    )
  return { slidingWindow: fields.count('sliding_window', 4096, sizeLimits.contextLength) }
}

export function writeOptionalWindow({ slidingWindow }: ModelConfig): Record<string, unknown> {
  if (slidingWindow === undefined) return { use_sliding_window: false }
  return { use_sliding_window: true, sliding_window: slidingWindow, max_window_layers: 0 }
}
