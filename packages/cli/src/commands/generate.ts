import { generateDataset, generatedRows, rowFiles } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { generationProgress } from '../generation-progress'
import { openModel } from '../models'
import { type DtypeFlags, modelSource, probability, withDtype } from '../options/groups'
import { integer, listOf, number } from '../options/parse'
import { claimFile } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { count, duration } from '../terminal'

interface GenerateFlags extends Pick<DtypeFlags, 'dtype'>, RowFlags {
  target: string
  seeds: string[]
  out: string
  temperatures: number[]
  topP: number
  topK: number
  samples: number
  maxTokens: number
  batchSize: number
  seed: number
}

export const addGenerate: AddCommand = (program, run) => {
  const command = program
    .command('generate')
    .summary('the distillation dataset: seed instructions, answered by the target itself')
    .description(
      'Lets the target answer every seed instruction at every temperature, and writes the conversations as JSONL, row by row. Interrupted and run again, it goes on where it was. The second stage.',
    )
    .requiredOption('--target <dir>', `the model that is to be sped up: ${modelSource}`)
    .requiredOption(
      '--seeds <files...>',
      `instructions (${rowSource}): messages, conversations, prompt, instruction, turns, question or text`,
    )
    .requiredOption('--out <file>', 'the dataset, JSONL')
    .option(
      '--temperatures <list>',
      'each instruction is answered once at each',
      listOf(number({ least: 0 })),
      [0, 0.3, 0.7, 1],
    )
    .option('--top-p <p>', 'only the likeliest tokens that together have this probability', probability, 0.95)
    .option('--top-k <k>', 'only the k likeliest tokens; 0 for all', integer(), 0)
    .option('--samples <n>', 'answers for each instruction and temperature above 0', integer({ least: 1 }), 1)
    .option('--max-tokens <n>', 'the most tokens of an answer', integer({ least: 1 }), 256)
    .option('--batch-size <n>', 'answers generated side by side', integer({ least: 1 }), 16)
    .option('--seed <n>', 'decides what is drawn', integer(), 0)
  withExamples(withOutputOptions(withDtype(withRows(command))), [
    ['The grid of the paper', 'outrider generate --target ./model --seeds seeds.jsonl --out distill.jsonl'],
    [
      'Short answers, greedy and warm',
      'outrider generate --target ./model --seeds seeds.jsonl --out distill.jsonl --temperatures 0,0.7 --max-tokens 64',
    ],
  ])
  command.action((flags: GenerateFlags) => run((context) => generate(context, flags), command))
}

async function generate(
  context: Context,
  { target: path, dtype, seeds, out, skipBadRows, ...settings }: GenerateFlags,
): Promise<object> {
  const { terminal, signal } = context
  const other = /\.(parquet|arrow|csv|tsv|gz|zst)$/i.exec(out)?.[0]
  if (other)
    throw new OutriderError('INVALID_ARGUMENT', `--out ${out} ends in ${other}, and rows are written as JSONL.`, {
      remedy: 'Name a .jsonl file; datasets reads it with load_dataset("json", data_files=…).',
    })
  const file = await claimFile(context, out, { inputs: { '--target': path, '--seeds': seeds } })
  await generatedRows(file)
  const reading = rowReading(terminal, { skipBadRows })
  const target = await openModel(context, path, 'target', dtype)
  context.resume = 'The rows written stay; the same command goes on from there.'
  const progress = generationProgress(terminal)
  let done: { tokens: number; seconds: number } | undefined
  const { rows, generated, others } = await generateDataset({
    target,
    seeds: rowFiles(seeds, reading.options),
    out: file,
    ...settings,
    signal,
    onProgress(state) {
      if (!done && state.others > 0)
        terminal.warn(
          `${out} has ${state.others} ${state.others === 1 ? 'row' : 'rows'} besides those that are asked for, of other instructions, settings or targets, or doubled. They stay in it; name another --out to have these alone.`,
        )
      progress(state)
      done = { tokens: state.tokens, seconds: state.seconds }
    },
  })
  terminal.endProgress()
  terminal.print(
    `${rows} rows in ${out}, ${generated} of them new (${count(done?.tokens ?? 0)} tokens in ${duration(done?.seconds ?? 0)})${others > 0 ? `; ${others} are not of these instructions, settings and target` : ''}`,
  )
  return { out, rows, generated, others, ...done, ...reading.summary() }
}
