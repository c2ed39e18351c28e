import type { ModelFamily } from './families/family'
import { type Fields, printed } from './fields'
import type { ModelConfig } from './model-config'
import { readRopeScaling, scalingFields } from './read-rope-scaling'

/** What else of a model matters to its rotary positions. */
export interface RopeContext {
  family: Pick<ModelFamily, 'rotary'>
  headDim: number
  contextLength: number
  /** The base where the file does not say. Default 10,000. */
  ropeTheta?: number | undefined
  /** The kinds of attention that its layers have. */
  layerTypes: readonly string[]
  /** Is told of each key that is passed over. */
  passOver: (key: string) => void
}

export type RotaryFields = Pick<ModelConfig, 'ropeTheta' | 'ropeScaling' | 'rotaryDim'>

/**
 * Reads the rotary positions of a config.json by transformers' rules, for old files and new ones: `rope_scaling`, where it is
 * there and not empty, stands for all of `rope_parameters`; a base in either comes before one beside them; and a length at the
 * top of the file before one inside.
 *
 * @throws OutriderError UNSUPPORTED for kinds that are not computed; FILE_FORMAT
 */
export function readRope(fields: Fields, context: RopeContext): RotaryFields {
  const old = fields.object('rope_scaling')
  const outer = old && old.names.length > 0 ? old : fields.object('rope_parameters')
  const place = outer === old ? 'rope_scaling' : 'rope_parameters'
  const inner = outer && sameInEveryLayer(outer, context.layerTypes)
  const { headDim, family, ropeTheta: absent = 10_000, passOver } = context
  const ropeTheta = (inner?.get('rope_theta') === undefined ? fields : inner!).positive('rope_theta', absent)
  const rotaryDim = readRotaryDim(fields, inner, context)
  const rest = { ropeTheta, ...(rotaryDim < headDim && { rotaryDim }) }
  if (!inner) return rest
  const ropeScaling = readRopeScaling(inner, {
    outer: fields,
    contextLength: context.contextLength,
    pairs: rotaryDim / 2,
    rotary: family.rotary,
  })
  const read = scalingFields(ropeScaling?.type)
  for (const name of inner.names)
    if (!read.includes(name) && inner.get(name) !== undefined) passOver(`${place}.${name}`)
  return { ...rest, ...(ropeScaling && { ropeScaling }) }
}

/** Elements of a head that are turned: a share of it, rounded down. */
function readRotaryDim(fields: Fields, inner: Fields | undefined, { headDim, family }: RopeContext): number {
  const key = 'partial_rotary_factor'
  const said = inner?.get(key) === undefined ? fields : inner
  const share = said.positive(key, 1)
  const rotaryDim = Math.trunc(headDim * share)
  if (share === 1) return rotaryDim
  if (!family.rotary?.partial)
    throw fields.unsupported(
      `partial_rotary_factor ${printed(share)} is not supported: part of each head would not be turned`,
      'Supported: 1, whole heads.',
    )
  if (share > 1 || rotaryDim < 2 || rotaryDim % 2 !== 0)
    throw said.wrong(key, `a share of at most 1 that makes an even number of the ${headDim} elements of a head`)
  return rotaryDim
}

/** Parameters by layer type are one set where the layers that are there have the same. */
function sameInEveryLayer(rope: Fields, layerTypes: readonly string[]): Fields {
  const isNested = rope.names.some((name) => isObject(rope.get(name)))
  if (!isNested) return rope
  const [first, ...others] = [...new Set(layerTypes)].map((type) => {
    const found = rope.object(type)
    if (!found) throw rope.wrong(type, 'there, as layers have that type')
    return found
  })
  const written = (one: Fields) => JSON.stringify(one.names.sort().map((name) => [name, one.get(name)]))
  if (others.some((other) => written(other) !== written(first!)))
    throw rope.unsupported(
      'rotary positions that differ between layers are not supported',
      'Supported: one set for all.',
    )
  return first!
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
