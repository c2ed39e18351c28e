import { OutriderError, type Tuning } from '@outrider/tensor'
import { readTuning, type TunedWork, tunedWorks, tuneKernels, tuningDirectory } from '@outrider/transformer'
import { Option } from 'commander'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { openModel } from '../models'
import { type DtypeFlags, modelSource, withDtype } from '../options/groups'
import { integer, positive } from '../options/parse'
import { fixed } from '../terminal'

interface TuneFlags extends DtypeFlags {
  model: string
  for: TunedWork
  precision: 'f32' | 'mixed'
  budget: number
  rows?: number
}

export const addTune: AddCommand = (program, run) => {
  const command = program
    .command('tune')
    .summary("find the fastest kernels for a model's prompts, decoding or training on this adapter")
    .description(
      "Times the kernels that may compute a model's linear layers over prompts, more than 16 rows of a sequence, with its own weights, compares their results, and keeps the choice for this adapter, its driver and this version: chat, complete, serve, evaluate and generate use it from then on, and what generate or a training run was begun with stays to its end. With --for decoding it times into parts of how many keys long caches are cut for one to 16 rows, on GPUs, where they are. With --for training it times the products of a training step at the model's shapes. A kernel that computes wrongly here is set aside and named.",
    )
    .requiredOption('--model <dir>', `the model: ${modelSource}`)
    .addOption(
      new Option('--for <work>', "what it is for: prompts, decoding, or a draft's training")
        .choices(tunedWorks)
        .default('prompts'),
    )
    .addOption(
      new Option('--precision <name>', 'of --for training: that of the steps, as in pretrain and distill')
        .choices(['f32', 'mixed'])
        .default('f32'),
    )
    .option('--budget <seconds>', 'how long it may take; what is not reached keeps its default', positive, 10)
    .option(
      '--rows <n>',
      'rows that are timed (default 512, 64 where the adapter is a software one; of decoding 4)',
      integer({ least: 1 }),
    )
  withExamples(withOutputOptions(withDtype(command)), [
    ['Before the first conversation', 'outrider tune --model ./model'],
    ['For a server with many prompts of some thousand tokens', 'outrider tune --model ./model --rows 2048 --budget 60'],
    ['For long answers and conversations', 'outrider tune --model ./model --for decoding'],
    ['Before a draft is trained', 'outrider tune --model ./draft --for training --budget 60'],
    ['What would be chosen, for a script', 'outrider tune --model ./model --json'],
  ])
  command.action((flags: TuneFlags) => run((context) => tune(context, flags), command))
}

async function tune(context: Context, flags: TuneFlags): Promise<object> {
  const { terminal, signal } = context
  if (flags.precision === 'mixed' && flags.for !== 'training')
    throw new OutriderError('INVALID_ARGUMENT', `--precision is of training, and this tunes for ${flags.for}.`, {
      remedy: 'Add --for training.',
    })
  const most = flags.for === 'decoding' ? 16 : Number.POSITIVE_INFINITY
  const least = flags.for === 'decoding' ? 1 : 17
  if (flags.rows !== undefined && (flags.rows < least || flags.rows > most))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `--rows is ${flags.rows}: of ${flags.for} it is ${flags.for === 'decoding' ? 'from 1 to 16' : '17 or more'}.`,
    )
  const { model } = await openModel(context, flags.model, 'model', flags)
  const directory = tuningDirectory(context.surroundings.env)
  context.resume = 'Nothing was kept; the same command begins anew.'
  let progress: ReturnType<typeof terminal.progress> | undefined
  const tuning = await tuneKernels(model, {
    directory,
    work: flags.for,
    precision: flags.precision,
    budget: 1000 * flags.budget,
    rows: flags.rows,
    signal,
    onProgress({ done, total }) {
      progress ??= terminal.progress({ label: 'time kernels', total, unit: 'shapes' })
      progress.update(done)
    },
  })
  terminal.endProgress()
  printTuning(context, tuning, flags.for)
  const { kernels: inUse = {} } = (await readTuning(model.device, directory)) ?? {}
  terminal.print(`Kept in ${directory.name}: ${Object.keys(inUse).length} choices for this adapter.`)
  return {
    directory: directory.name,
    weights: tuning.weights.map(({ milliseconds, ...weights }) => ({
      ...weights,
      milliseconds,
      gain: gainOf({ ...weights, milliseconds }),
    })),
    not_reached: tuning.notReached,
  }
}

type Weights = Tuning['weights'][number]

/** How many times as fast the choice is as the default; none where that is wrong. */
const gainOf = ({ milliseconds, standard, chosen }: Weights): number | null =>
  milliseconds[standard] === undefined ? null : milliseconds[standard] / milliseconds[chosen]!

function printTuning({ terminal }: Context, { weights, notReached }: Tuning, work: TunedWork): void {
  terminal.printTable(
    [
      { title: { prompts: 'layer', decoding: 'heads and cache', training: 'product' }[work] },
      { title: 'rows', align: 'right' },
      { title: 'default' },
      { title: 'ms', align: 'right' },
      { title: 'chosen' },
      { title: 'ms', align: 'right' },
      { title: 'gain', align: 'right' },
    ],
    weights.map((one) => {
      const { key, rows, standard, chosen, milliseconds } = one
      const gain = gainOf(one)
      return [
        key.replace(/^(linear|matmul|attention) /, ''),
        String(rows),
        standard,
        milliseconds[standard] === undefined ? 'wrong' : fixed(milliseconds[standard], 2),
        chosen === standard ? 'the same' : chosen,
        fixed(milliseconds[chosen]!, 2),
        gain === null ? '' : `${fixed(gain, 2)}×`,
      ]
    }),
  )
  if (weights.length === 0 && notReached.length === 0)
    terminal.print('There is nothing to choose here: a CPU does not cut the cache into parts.')
  if (weights.length > 0 && weights.every(({ standard, chosen }) => standard === chosen))
    terminal.print('Nothing is faster than the defaults here.')
  if (notReached.length > 0)
    terminal.print(
      `Not reached in the time given, and left as they are: ${notReached.join(', ')}. A larger --budget does.`,
    )
  for (const { key, wrong } of weights)
    if (wrong.length > 0)
      terminal.print(
        terminal.style.red(`${key}: ${wrong.join(', ')} computes wrongly on this adapter and was set aside.`),
      )
}
