import { OutriderError } from '@outrider/tensor'
import type { LogEntry, OnPolicyFigures, OnPolicyOptions } from '@outrider/training'
import type { Command } from 'commander'
import { fixed } from '../terminal'
import { number } from './parse'

export interface OnPolicyFlags {
  onPolicy?: number
  onPolicyTemperature?: number
}

export const withOnPolicy = (command: Command): Command =>
  command
    .option(
      '--on-policy <share>',
      'of the batches, the share whose answers the draft draws itself, as it is at that step (DistillSpec); the target reads them anew each time (default: 0)',
      number({ least: 0, most: 1 }),
    )
    .option(
      '--on-policy-temperature <t>',
      'the temperature at which it draws them (default: 1, its own distribution)',
      number({ least: 0 }),
    )

/** @throws OutriderError INVALID_ARGUMENT for a temperature of nothing */
export function onPolicyOf({ onPolicy: share, onPolicyTemperature }: OnPolicyFlags): OnPolicyOptions | undefined {
  if (share !== undefined) return { share, temperature: onPolicyTemperature }
  if (onPolicyTemperature === undefined) return undefined
  throw new OutriderError('INVALID_ARGUMENT', '--on-policy-temperature is of answers that the draft draws itself.', {
    remedy: 'Say how many: --on-policy 0.3.',
  })
}

/** How much of a run was on-policy, and α apart over the last tenth of its steps; nothing of a run without. */
export function onPolicySummary(history: readonly LogEntry[]): OnPolicyFigures | undefined {
  const steps = history.filter(({ loss }) => loss !== undefined)
  const drawn = steps.flatMap(({ on_policy }) => on_policy ?? [])
  if (drawn.length === 0) return undefined
  const late = steps.slice(-Math.max(1, Math.floor(steps.length / 10)))
  const own = late.flatMap(({ on_policy }) => on_policy?.acceptance_rate ?? [])
  const others = late.flatMap(({ on_policy, acceptance_rate }) =>
    on_policy ? (on_policy.data_acceptance_rate ?? []) : (acceptance_rate ?? []),
  )
  return {
    share: drawn.reduce((sum, { share }) => sum + share, 0) / steps.length,
    ...(own.length > 0 && { acceptance_rate: mean(own) }),
    ...(others.length > 0 && { data_acceptance_rate: mean(others) }),
  }
}

/** The same as a sentence. */
export function onPolicyText({ share, acceptance_rate, data_acceptance_rate }: OnPolicyFigures): string {
  const rates = [
    acceptance_rate !== undefined && `α ${fixed(acceptance_rate, 3)} on them`,
    data_acceptance_rate !== undefined && `${fixed(data_acceptance_rate, 3)} on the data's`,
  ].filter(Boolean)
  const late = rates.length > 0 ? `; in the last tenth of the steps ${rates.join(', ')}` : ''
  return `The draft drew ${Math.round(100 * share)} % of what was learnt itself${late}.`
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
