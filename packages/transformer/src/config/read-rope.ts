import { type Fields, printed } from './fields'
import type { RopeScaling } from './rope-scaling'

/** What else of a model matters to its rotary positions. */
export interface RopeContext {
  contextLength: number
  /** The base where the file does not say. Default 10,000. */
  ropeTheta?: number | undefined
  /** The kinds of attention that its layers have. */
  layerTypes: readonly string[]
  /** Is told of each key that is passed over. */
  passOver: (key: string) => void
}

/**
 * Reads the rotary positions of a config.json by transformers' rules, for old files and new ones: `rope_scaling`, where it is
 * there and not empty, stands for all of `rope_parameters`; a base in either comes before one beside them; and a length at the
 * top of the file before one inside.
 *
 * @throws OutriderError UNSUPPORTED for kinds that are not computed; FILE_FORMAT
 */
export function readRope(
  fields: Fields,
  { contextLength, ropeTheta: absent = 10_000, layerTypes, passOver }: RopeContext,
): { ropeTheta: number; ropeScaling?: RopeScaling } {
  const old = fields.object('rope_scaling')
  const outer = old && old.names.length > 0 ? old : fields.object('rope_parameters')
  const inner = outer && sameInEveryLayer(outer, layerTypes)
  const partial = partialFactor(inner) ?? partialFactor(fields) ?? 1
  if (partial !== 1)
    throw fields.unsupported(
      `partial_rotary_factor ${partial} is not supported: part of each head would not be turned`,
      'Supported: 1, whole heads.',
    )
  const ropeTheta = (inner?.get('rope_theta') === undefined ? fields : inner!).positive('rope_theta', absent)
  if (!inner) return { ropeTheta }
  const ropeScaling = readScaling(inner, () => {
    const outside = fields.get('original_max_position_embeddings') === undefined ? inner : fields
    return outside.count('original_max_position_embeddings', contextLength)
  })
  const read = fieldsOf[ropeScaling?.type ?? 'default']
  const place = outer === old ? 'rope_scaling' : 'rope_parameters'
  for (const name of inner.names)
    if (!read.includes(name) && inner.get(name) !== undefined) passOver(`${place}.${name}`)
  return { ropeTheta, ...(ropeScaling && { ropeScaling }) }
}

function readScaling(rope: Fields, originalContextLength: () => number): RopeScaling | undefined {
  const type = rope.get('rope_type') ?? rope.get('type')
  // transformers 5 takes it for no scaling, transformers 4 for an error.
  if (type === undefined && rope.get('factor') !== undefined) throw rope.wrong('rope_type', 'there where a factor is')
  if (type === undefined || type === 'default') return undefined
  if (type === 'linear') return { type, factor: rope.positive('factor') }
  if (type === 'llama3') {
    const lowFrequencyFactor = rope.positive('low_freq_factor')
    const highFrequencyFactor = rope.positive('high_freq_factor')
    if (highFrequencyFactor <= lowFrequencyFactor)
      throw rope.wrong('high_freq_factor', `more than low_freq_factor (${lowFrequencyFactor})`)
    return {
      type,
      factor: rope.positive('factor'),
      lowFrequencyFactor,
      highFrequencyFactor,
      originalContextLength: originalContextLength(),
    }
  }
  throw rope.unsupported(
    `rotary scaling of type ${printed(type)} is not supported`,
    'Supported: none, "linear" and "llama3".',
  )
}

const fieldsOf: Record<RopeScaling['type'] | 'default', readonly string[]> = {
  default: ['rope_theta', 'rope_type', 'type', 'partial_rotary_factor'],
  linear: ['rope_theta', 'rope_type', 'type', 'partial_rotary_factor', 'factor'],
  llama3: [
    'rope_theta',
    'rope_type',
    'type',
    'partial_rotary_factor',
    'factor',
    'low_freq_factor',
    'high_freq_factor',
    'original_max_position_embeddings',
  ],
  yarn: [],
  longrope: [],
}

/** Parameters by layer type are one set where the layers that are there have the same. */
function sameInEveryLayer(rope: Fields, layerTypes: readonly string[]): Fields {
  const isNested = rope.names.some((name) => isObject(rope.get(name)))
  if (!isNested) return rope
  const [first, ...others] = [...new Set(layerTypes)].map((type) => rope.object(type))
  if (!first) throw rope.wrong(layerTypes[0]!, 'there, as layers have that type')
  const written = (fields: Fields | undefined) =>
    JSON.stringify(fields?.names.sort().map((name) => [name, fields.get(name)]))
  if (others.some((other) => written(other) !== written(first)))
    throw rope.unsupported(
      'rotary positions that differ between layers are not supported',
      'Supported: one set for all.',
    )
  return first
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

function partialFactor(fields: Fields | undefined): number | undefined {
  return fields?.get('partial_rotary_factor') === undefined ? undefined : fields.positive('partial_rotary_factor')
}
