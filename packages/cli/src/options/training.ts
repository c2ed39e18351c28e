import { OutriderError } from '@outrider/tensor'
import type { HeldOutFigure, KeepBestOptions, Precision } from '@outrider/training'
import { type Command, Option } from 'commander'
import { integer, positive } from './parse'

/** Options that both kinds of training share. */
export interface TrainingFlags {
  text: string[]
  steps: number
  batchSize: number
  length?: number
  learningRate: number
  warmup?: number
  accumulation: number
  activationCheckpointing?: boolean
  precision: Precision
  validation?: string[]
  validateEvery?: number
  keepBest?: HeldOutFigure
  patience?: number
  checkpointEvery: number
  resume?: boolean
  seed: number
  out: string
}

/** @param defaults.figures  what held-out rows are measured by */
export const withTraining = (
  command: Command,
  defaults: { steps: number; learningRate: number; figures: readonly HeldOutFigure[] },
): Command =>
  command
    .requiredOption(
      '--out <dir>',
      'where the draft is written, a Hugging Face directory; checkpoint-N/ inside it while training',
    )
    .option('--steps <n>', 'optimiser steps', integer({ least: 1 }), defaults.steps)
    .option('--batch-size <n>', 'rows a batch', integer({ least: 1 }), 8)
    .option(
      '--length <n>',
      'tokens a row at most (default: 128, or the context where that is shorter)',
      integer({ least: 2 }),
    )
    .option(
      '--learning-rate <x>',
      'the highest, after the warm-up; it falls along a cosine',
      positive,
      defaults.learningRate,
    )
    .option('--warmup <n>', 'steps of warm-up (default: a twentieth of all)', integer())
    .option('--accumulation <n>', 'batches for one step', integer({ least: 1 }), 1)
    .option('--activation-checkpointing', 'compute each block twice instead of keeping its activations: less memory')
    .addOption(
      new Option(
        '--precision <name>',
        'mixed: weights and activations in half precision, less memory; needs an adapter with shader-f16 (outrider doctor)',
      )
        .choices(['f32', 'mixed'] satisfies Precision[])
        .default('f32'),
    )
    .option(
      '--validation <file...>',
      'held-out data of the same kind, measured at the end and every --validate-every steps',
    )
    .option('--validate-every <n>', 'steps between two validations', integer({ least: 1 }))
    .addOption(
      new Option(
        '--keep-best <figure>',
        'write the draft that was the best at a validation, in place of the last; its checkpoint stays beside the newest',
      ).choices(defaults.figures),
    )
    .option(
      '--patience <n>',
      'with --keep-best: end early when so many validations have come after the best one',
      integer({ least: 1 }),
    )
    .option('--checkpoint-every <n>', 'steps between two checkpoints', integer({ least: 1 }), 200)
    .option('--resume', 'go on from the newest checkpoint in --out')
    .option('--seed <n>', 'decides initial weights and the order of the data', integer(), 0)

/** The best checkpoint is found by what is measured on held-out rows: looked at before anything is opened. */
export function keepBestOf({
  keepBest,
  patience,
  validation,
  validateEvery,
}: TrainingFlags): KeepBestOptions | undefined {
  if (keepBest === undefined && patience === undefined) return undefined
  const missing = [
    [keepBest, '--keep-best'],
    [validation, '--validation'],
    [validateEvery, '--validate-every'],
  ].find(([given]) => given === undefined)
  if (!missing) return { by: keepBest, patience }
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `${keepBest === undefined ? '--patience counts' : '--keep-best compares'} validations, and ${missing[1]} is not given.`,
    { remedy: 'For one: --validation held-out --validate-every 100 --keep-best loss --patience 5.' },
  )
}
