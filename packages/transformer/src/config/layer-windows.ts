import type { LayerType } from './by-layer'
import type { LayersRead } from './families/family'
import { type Fields, printed } from './fields'
import type { ModelConfig } from './model-config'
import { sizeLimits } from './size-limits'

/** transformers' names for what layers attend to. */
const full = 'full_attention'
const sliding = 'sliding_attention'

/** Names of before that transformers still reads. */
const oldNames: ReadonlyMap<unknown, string> = new Map([['attention', full]])

/**
 * What each layer attends to, by `layer_types`; undefined where the file does not say.
 *
 * @throws OutriderError UNSUPPORTED for layers that are neither full nor sliding attention; FILE_FORMAT
 */
export function readLayerTypes(fields: Fields, layers: number): string[] | undefined {
  const value = fields.get('layer_types')
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length !== layers)
    throw fields.wrong('layer_types', `a list of as many names as layers (${layers})`)
  const types = value.map((type: unknown) => oldNames.get(type) ?? type)
  const other = types.find((type) => type !== full && type !== sliding)
  if (other === undefined) return types as string[]
  throw fields.unsupported(
    `layer_types with ${printed(other)} is not supported`,
    `Supported: "${full}" and "${sliding}".`,
  )
}

/** What the layers attend to where each of them has the window, or none has. */
export function uniformTypes(layers: number, window: number | undefined): string[] {
  return new Array<string>(layers).fill(window === undefined ? full : sliding)
}

/** The sliding window, or undefined for none; null is none, and `fallback` stands for a field that is absent. */
export function readWindow(fields: Fields, fallback?: number): number | undefined {
  if (fields.isNull('sliding_window') || (!fields.has('sliding_window') && fallback === undefined)) return undefined
  return fields.count('sliding_window', fallback, sizeLimits.contextLength)
}

/**
 * The window of the layers that have it; none where no sequence is longer than it and some layers see all.
 *
 * @throws OutriderError FILE_FORMAT where there is none to have
 */
export function windowsByLayer(
  fields: Fields,
  { layerTypes, contextLength }: { layerTypes: readonly string[]; contextLength: number },
  window: number | undefined,
): Pick<ModelConfig, 'slidingWindow' | 'layerTypes'> {
  if (!layerTypes.includes(sliding)) return {}
  if (window === undefined) throw fields.wrong('sliding_window', 'a positive integer, as layers have a window')
  if (!layerTypes.includes(full)) return { slidingWindow: window }
  return window >= contextLength ? {} : { slidingWindow: window, layerTypes: layerTypes as LayerType[] }
}

/**
 * Refuses `layer_types` that say otherwise than the one window of a family that has it in all layers: transformers passes them
 * over there, though they would change the answer.
 *
 * @throws OutriderError UNSUPPORTED
 */
export function checkTypes(
  fields: Fields,
  { layerTypes, contextLength }: LayersRead,
  window: number | undefined,
): void {
  const [type] = uniformTypes(1, window)
  const other = layerTypes?.find((layerType) => layerType !== type)
  if (other === undefined || (window ?? 0) >= contextLength) return
  throw fields.unsupported(
    `layer_types with "${other}" in an architecture whose layers all have ${window === undefined ? 'no window' : 'the window'} is not supported`,
    readersDiffer,
  )
}

/**
 * Refuses `use_sliding_window: false` beside a window in a family that has no such switch.
 *
 * @throws OutriderError UNSUPPORTED
 */
export function checkUse(fields: Fields, { contextLength }: LayersRead, window: number | undefined): void {
  const isSaid = fields.get('use_sliding_window') !== undefined
  if (!isSaid || fields.flag('use_sliding_window', true) || window === undefined || window >= contextLength) return
  throw fields.unsupported(`use_sliding_window false beside sliding_window ${window} is not supported`, readersDiffer)
}

const readersDiffer =
  'Readers differ in what they make of it: set sliding_window to null where there is no window, and leave the other out.'
