import { openTopTokenShards, type TopTokenReading } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import type { TopTokenTarget } from '@outrider/training'
import { directory } from '@outrider/transformer'
import { type Command, Option } from 'commander'
import type { Context } from '../context'
import { speakerOf } from '../endpoint'
import { count } from '../terminal'
import { given, ofNoUse, refusedBeside } from './given'
import { positive } from './parse'

export interface TargetShardsFlags {
  targets?: string
  targetsRest?: TopTokenReading['rest']
  targetsTemperature?: number
}

export const withTargetShards = (command: Command): Command =>
  command
    .option(
      '--targets <dir>',
      'what the target thinks, from `outrider score`: --target is then its tokenizer and configuration alone, and the rows are those of the shards',
    )
    .addOption(
      new Option(
        '--targets-rest <how>',
        'bucket: the tokens that the shards do not name are one event; cut: the target is learned as if it said no others, as under top-k sampling (default: bucket)',
      ).choices(['bucket', 'cut']),
    )
    .option(
      '--targets-temperature <t>',
      'learn the target at this temperature, where its shards tell enough (default: 1)',
      positive,
    )

/** Flags of a target that is here. */
type OfTargetHere = Record<
  'dtype' | 'cacheDtype' | 'targetStates' | 'onPolicy' | 'onPolicyTemperature' | 'parallel',
  unknown
>

/**
 * Makes sure that there are rows, and that nothing is asked of shards that only a target here can say.
 *
 * @throws OutriderError INVALID_ARGUMENT
 */
export function assertTargets(flags: TargetShardsFlags & { data?: string[] } & Partial<OfTargetHere>): void {
  const { targets } = flags
  const refuse = (what: string, remedy: string) => new OutriderError('INVALID_ARGUMENT', what, { remedy })
  if (targets === undefined) {
    const useless = given(flags, ['targetsRest', 'targetsTemperature'])
    if (useless) throw ofNoUse(useless, 'without --targets', ', or give --targets')
    if (!flags.data)
      throw refuse(
        'There are no rows to learn.',
        'Give --data, the answers of the target, or --targets, what it thinks of them.',
      )
    return
  }
  const needsTarget: [keyof OfTargetHere, string, string][] = [
    ['onPolicy', '--on-policy', 'the target would have to read what the draft draws'],
    ['onPolicyTemperature', '--on-policy-temperature', 'the target would have to read what the draft draws'],
    ['parallel', '--parallel', 'a parallel draft is learned from a target in memory'],
    ['targetStates', '--target-states', 'the target says nothing beside its shards'],
    ['dtype', '--dtype', 'the target is not loaded'],
    ['cacheDtype', '--cache-dtype', 'the target is not loaded'],
  ]
  refusedBeside('--targets', flags, needsTarget)
}

/** The target as its shards tell it. */
export async function targetOfShards(
  context: Context,
  {
    target,
    targets,
    targetsRest: rest,
    targetsTemperature: temperature,
    text,
  }: TargetShardsFlags & { target: string; text?: string[] },
): Promise<TopTokenTarget> {
  const speaker = await speakerOf(context, target)
  const shards = await openTopTokenShards(directory(targets!))
  const { k, target: of } = shards.head
  context.terminal.noteParagraph(
    `Target: ${count(shards.rows)} rows of ${of}, ${k} tokens a place, in ${targets}`,
    '  ',
  )
  return { kind: 'shards', ...speaker, shards, rest, temperature, ...(text && { text: 'labels' }) }
}
