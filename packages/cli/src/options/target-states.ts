import { type HiddenStateFiles, TargetStates, type TargetStatesFigures } from '@outrider/training'
import { directory } from '@outrider/transformer'
import type { Command } from 'commander'
import type { Terminal } from '../terminal'
import { integer } from './parse'

export interface TargetStatesFlags {
  targetStates?: string
  targetStatesMemory: number
  targetStatesDisk: number
}

const mostOnDisk = ['--target-states-disk <MiB>', 'most of it in --target-states', integer(), 16_384] as const

export const withTargetStates = (command: Command): Command =>
  command
    .option(
      '--target-states <dir>',
      'keep what the target says of every row here, too, for --resume and for other drafts and losses on the same rows (default: in memory alone, so that it reads a row once a run)',
    )
    .option('--target-states-memory <MiB>', 'most of it in memory', integer(), 512)
    .option(...mostOnDisk)

export type StatesOfAnswersFlags = Omit<TargetStatesFlags, 'targetStatesMemory'>

/** Of a command whose answers bring what is kept. */
export const withStatesOfAnswers = (command: Command): Command =>
  command
    .option(
      '--target-states <dir>',
      'keep what the target says each token from, too, for distill --target-states, which then has it read none of these answers',
    )
    .option(...mostOnDisk)

const mebibyte = 2 ** 20

/** Where what the target says is kept, if it is; what answers bring is kept on disk alone. */
export const statesOfAnswers = (terminal: Terminal, flags: StatesOfAnswersFlags): TargetStates | undefined =>
  flags.targetStates === undefined ? undefined : targetStatesOf(terminal, { ...flags, targetStatesMemory: 0 })

/** Where what the target says is kept. The caller disposes of it. */
export const targetStatesOf = (
  terminal: Terminal,
  flags: TargetStatesFlags,
  hiddenStates?: HiddenStateFiles | undefined,
): TargetStates =>
  new TargetStates({
    hiddenStates,
    memoryBytes: flags.targetStatesMemory * mebibyte,
    directory: flags.targetStates === undefined ? undefined : directory(flags.targetStates),
    directoryBytes: flags.targetStatesDisk * mebibyte,
    onTrouble: (message) => terminal.warn(message),
  })

/** How much of what was asked for since `before` the target had to read, in words: `target reads 3 of 8 rows`. */
export function readRows(now: TargetStatesFigures, before: TargetStatesFigures): string {
  const computed = now.computed - before.computed
  const rows = computed + now.fromMemory - before.fromMemory + now.fromDirectory - before.fromDirectory
  return computed === 0 ? 'target kept' : `target reads ${computed} of ${rows} rows`
}
