import { join } from 'node:path'
import { type BatchFigures, type BatchTarget, batchAnswers, rowFiles, writeBatch } from '@outrider/dataset'
import { type Command, Option } from 'commander'
import type { GenerateFlags } from './commands/generate'
import type { Context } from './context'
import { integer } from './options/parse'
import { claimFile, type Inputs } from './outputs/index'
import { rowReading } from './rows'
import { count } from './terminal'

/** A target that is asked by files. */
export interface BatchFlags {
  writeBatch?: string
  readBatch?: string[]
  batchFields?: 'vllm' | 'openai'
  batchRequests?: number
}

/** Flags that say nothing without `--write-batch`. */
export const batchFlags = ['batchFields', 'batchRequests'] as const

export const withBatchFiles = (command: Command): Command =>
  command
    .option(
      '--write-batch <file>',
      'write the requests for rows that --out lacks in OpenAI’s batch format, for vllm run-batch or a hosted batch service; asks nobody',
    )
    .option(
      '--read-batch <files...>',
      'write the rows of what came back: files of results and of errors, in any order. What is missing or failed is written by the next --write-batch',
    )
    .addOption(
      new Option(
        '--batch-fields <whose>',
        'vllm: engines that take vLLM’s fields, and say the ids of tokens; openai: hosted services, which take no others (default: vllm)',
      ).choices(['vllm', 'openai']),
    )
    .option(
      '--batch-requests <n>',
      'the most requests of a file; the next is called -2, and so on (default: 50000)',
      integer({ least: 1 }),
    )

/** Writes the requests, and says how they are answered. */
export async function writeBatchFiles(
  context: Context,
  flags: GenerateFlags & { seeds: string[]; writeBatch: string },
  inputs: Inputs,
): Promise<object> {
  const { terminal } = context
  const {
    model,
    seeds,
    out,
    temperatures,
    topP,
    topK,
    samples,
    maxTokens,
    seed,
    batchFields,
    batchRequests,
    rank,
    worldSize,
  } = flags
  const reading = rowReading(terminal, flags)
  const batch = await claimFile(context, flags.writeBatch, { inputs: { ...inputs, '--out': out } })
  const { files, requests, rows } = await writeBatch({
    ...{ model: model!, temperatures, topP, topK, samples, maxTokens, seed, rank, worldSize, out, batch },
    seeds: rowFiles(seeds, reading.options),
    fields: batchFields,
    requestsPerFile: batchRequests,
  })
  const names = files.map(({ directory, file }) => join(directory.name, file))
  if (requests === 0) terminal.print(`${out} has all ${rows} rows, so nothing is asked.`)
  else {
    terminal.print(
      `${count(requests)} requests in ${names.join(', ')}${rows > 0 ? `; ${out} has the other ${rows}` : ''}`,
    )
    if (batchFields !== 'openai')
      for (const name of names)
        terminal.note(
          `  python -m vllm.entrypoints.openai.run_batch -i ${name} -o ${name.replace(/(\.jsonl)?$/, '-results.jsonl')} --model …`,
        )
    terminal.noteParagraph('Then the same command with --read-batch and the files of results.')
  }
  return { batch_files: names, requests, rows, ...reading.summary() }
}

/** What came back. */
export const batchesToRead = ({ terminal }: Context, { model, readBatch }: GenerateFlags): BatchTarget => {
  let told = 0
  return batchAnswers({
    model: model!,
    files: readBatch!,
    onTrouble(message) {
      if (++told <= mostTold) terminal.warn(message)
      else if (told === mostTold + 1) terminal.warn('Further failures are counted alone.')
    },
  })
}

const mostTold = 20

/** Says what of the files is no row, and what of the rows is in no file. */
export function tellOfBatch(
  { terminal }: Context,
  { failed, missing, doubled, foreign, unreadable }: Readonly<BatchFigures>,
): void {
  const lines = (n: number, what: string) => n > 0 && `${n} ${n === 1 ? 'line' : 'lines'} ${what}`
  const unused = [
    lines(doubled, 'of rows that are answered already'),
    lines(foreign, 'of no row of these instructions and settings'),
    lines(unreadable, 'that are no results'),
  ].filter(Boolean)
  if (unused.length > 0) terminal.warn(`Not used: ${unused.join(', ')}.`)
  if (failed + missing > 0)
    terminal.warn(`${failed} rows failed and ${missing} are in no file; --write-batch asks for these alone.`)
}
