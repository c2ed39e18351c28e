import type { Fields } from './fields'
import type { ModelConfig } from './model-config'
import { type RopeContext, type RotaryFields, readRope } from './read-rope'

/**
 * The rotary positions of a config.json whose layers have one kind or, in some families, two: `rope_parameters` by layer type, or
 * in old files `rope_theta` with `rope_scaling` for layers that see all, and a base for those with a window.
 *
 * @throws OutriderError as `readRope`; UNSUPPORTED for scaling in layers with a window
 */
export function readRopeByLayer(fields: Fields, context: RopeContext): RotaryFields & Pick<ModelConfig, 'slidingRope'> {
  const apart = context.family.rotary?.sliding
  if (!apart) return readRope(fields, context)
  const { ropeTheta, slidingRopeTheta, slidingRopeThetaKey } = apart
  const sets = fields.object('rope_parameters')
  if (sets?.names.some((name) => typeof sets.get(name) !== 'object'))
    throw fields.wrong('rope_parameters', 'a set for each of "full_attention" and "sliding_attention"')
  /** The positions of one type of layers, as if all were of it. */
  const ofType = (type: string, theta: unknown, scaling: unknown) => {
    const set = sets?.get(type) ?? { rope_type: 'default' }
    const alone = { rope_theta: theta, rope_scaling: null, rope_parameters: { ...set, ...(scaling as object) } }
    return readRope(fields.with(alone), context)
  }
  const sliding = ofType('sliding_attention', fields.get(slidingRopeThetaKey) ?? slidingRopeTheta, undefined)
  if (sliding.ropeScaling)
    throw fields.unsupported('rotary scaling in layers with a window is not supported', 'Supported: in the others.')
  const full = ofType('full_attention', fields.get('rope_theta') ?? ropeTheta, fields.get('rope_scaling'))
  return { ...full, slidingRope: sliding }
}
