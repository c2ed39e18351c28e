import type { GpuSettings } from './step'
import { worlds } from './world'

const dtypes = ['f32', 'f16', 'q8_0', 'q4_0'] as const

/** What the suite is asked for beside the settings of its steps. */
export interface GpuPlan {
  settings: GpuSettings
  /** Names of the steps; left out, all. */
  steps?: readonly string[] | undefined
  /** Seconds for all of them. */
  seconds: number
}

/**
 * Reads `--set` of the suite: size, dtype, draft-length, damp, steps (names with commas), seconds.
 *
 * @throws Error for a name or a value that there is none of
 */
export function gpuPlan(given: Readonly<Record<string, string>>): GpuPlan {
  const {
    size = '1.1B',
    dtype = 'f16',
    'draft-length': gamma = '3',
    damp = '0.05',
    steps,
    seconds = '360',
    ...others
  } = given
  const [unknown] = Object.keys(others)
  if (unknown) throw new Error(`gpu has no setting "${unknown}": size, dtype, draft-length, damp, steps, seconds.`)
  return {
    settings: {
      size: oneOf('size', size, Object.keys(worlds) as GpuSettings['size'][]),
      dtype: oneOf('dtype', dtype, dtypes),
      draftLength: within('draft-length', gamma, 1, 15),
      damp: within('damp', damp, 0, 1),
    },
    steps: steps?.split(','),
    seconds: within('seconds', seconds, 1, 36_000),
  }
}

function oneOf<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((one) => one === value)
  if (!found) throw new Error(`${name} is "${value}"; it is one of ${values.join(', ')}.`)
  return found
}

function within(name: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (value.trim() === '' || !(number >= least && number <= most))
    throw new Error(`${name} is "${value}"; it is from ${least} to ${most}.`)
  return number
}
