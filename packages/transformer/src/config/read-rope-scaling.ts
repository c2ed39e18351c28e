import type { ModelFamily } from './families/family'
import { type Fields, printed } from './fields'
import type { RopeScaling } from './rope-scaling'

/** What else matters to a scaling. */
interface ScalingContext {
  /** The whole file, where a length may stand beside the parameters. */
  outer: Fields
  contextLength: number
  /** Pairs of a head that are turned. */
  pairs: number
  rotary: ModelFamily['rotary']
}

/**
 * Reads how rotary frequencies are stretched, with transformers' defaults.
 *
 * @throws OutriderError UNSUPPORTED for kinds that are not computed; FILE_FORMAT
 */
export function readRopeScaling(rope: Fields, context: ScalingContext): RopeScaling | undefined {
  const name = rope.get('rope_type') ?? rope.get('type')
  // transformers 5 takes it for no scaling, transformers 4 for an error.
  if (name === undefined && rope.get('factor') !== undefined) throw rope.wrong('rope_type', 'there where a factor is')
  if (name === undefined || name === 'default') return undefined
  const type = context.rotary?.oldNames?.[String(name)] ?? name
  const reader = Object.hasOwn(readers, String(type)) ? readers[type as RopeScaling['type']] : undefined
  if (reader && typeof type === 'string') return reader(rope, context)
  throw rope.unsupported(
    `rotary scaling of type ${printed(name)} is not supported`,
    'Supported: none, "linear", "llama3", "yarn" and "longrope".',
  )
}

/** The parameters that are read of a kind of scaling. */
export const scalingFields = (type: RopeScaling['type'] | undefined): readonly string[] => [
  ...['rope_theta', 'rope_type', 'type', 'partial_rotary_factor'],
  ...(type ? fieldsOf[type] : []),
]

const length = 'original_max_position_embeddings'

const fieldsOf: Record<RopeScaling['type'], readonly string[]> = {
  linear: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor', length],
  yarn: [
    ...['factor', length, 'beta_fast', 'beta_slow', 'truncate'],
    ...['attention_factor', 'mscale', 'mscale_all_dim'],
  ],
  longrope: ['factor', length, 'short_factor', 'long_factor', 'attention_factor'],
}

const readers: {
  [Type in RopeScaling['type']]: (rope: Fields, context: ScalingContext) => Extract<RopeScaling, { type: Type }>
} = {
  linear: (rope) => ({ type: 'linear', factor: rope.positive('factor') }),
  llama3(rope, context) {
    const lowFrequencyFactor = rope.positive('low_freq_factor')
    const highFrequencyFactor = rope.positive('high_freq_factor')
    if (highFrequencyFactor <= lowFrequencyFactor)
      throw rope.wrong('high_freq_factor', `more than low_freq_factor (${lowFrequencyFactor})`)
    return {
      type: 'llama3',
      factor: rope.positive('factor'),
      lowFrequencyFactor,
      highFrequencyFactor,
      originalContextLength: readOriginalLength(rope, context),
    }
  },
  yarn(rope, context) {
    const originalContextLength = readOriginalLength(rope, context)
    const factor = rope.positive('factor', context.contextLength / originalContextLength)
    const number = (field: string) => rope.number(field, 0, Number.MAX_VALUE)
    const [scale, scaleOfAll] = [number('mscale'), number('mscale_all_dim')]
    const both = scale && scaleOfAll
    return {
      type: 'yarn',
      factor,
      originalContextLength,
      betaFast: number('beta_fast') || 32,
      betaSlow: number('beta_slow') || 1,
      truncate: rope.flag('truncate', true),
      attentionFactor: rope.positive(
        'attention_factor',
        both ? yarnMagnitude(factor, scale) / yarnMagnitude(factor, scaleOfAll) : yarnMagnitude(factor),
      ),
    }
  },
  longrope(rope, context) {
    const originalContextLength = readOriginalLength(rope, context)
    const factor = rope.positive('factor', context.contextLength / originalContextLength)
    return {
      type: 'longrope',
      originalContextLength,
      shortFactors: readFactors(rope, 'short_factor', context.pairs),
      longFactors: readFactors(rope, 'long_factor', context.pairs),
      attentionFactor: rope.positive(
        'attention_factor',
        factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContextLength)),
      ),
    }
  },
}

/** Peng et al. 2023, equation 22, with a scale. */
const yarnMagnitude = (factor: number, scale = 1): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1)

/** One at the top of the file counts, or the family's own, before one among the parameters. */
function readOriginalLength(rope: Fields, { outer, contextLength, rotary }: ScalingContext): number {
  const atTop = outer.get(length) !== undefined || rotary?.originalContextLength !== undefined
  return atTop ? outer.count(length, rotary?.originalContextLength) : rope.count(length, contextLength)
}

function readFactors(rope: Fields, field: string, pairs: number): number[] {
  const value = rope.get(field)
  const isFactor = (one: unknown) => typeof one === 'number' && Number.isFinite(one) && one > 0
  if (Array.isArray(value) && value.length === pairs && value.every(isFactor)) return value as number[]
  throw rope.wrong(field, `a list of ${pairs} positive numbers, one for each pair that is turned`)
}
