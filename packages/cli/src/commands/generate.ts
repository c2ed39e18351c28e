import {
  type EndpointTarget,
  generateDataset,
  generatedRows,
  type LeftOutFaults,
  leftOutText,
  rowFiles,
} from '@outrider/dataset'
import { draftersText } from '@outrider/evaluation'
import type { DraftedAnswers, SpeculationMetrics } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'
import { InvalidArgumentError } from 'commander'
import { type BatchFlags, batchesToRead, tellOfBatch, withBatchFiles, writeBatchFiles } from '../batch-files'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { DraftOption, draftSource } from '../draft/draft-source'
import { draftOfRows } from '../draft/drafted-rows'
import { costOf, type EndpointFlags, openEndpoint, withEndpoint } from '../endpoint'
import { assertTarget, ofSelfWritten } from '../generate-target'
import { generationProgress } from '../generation-progress'
import { openModel } from '../models'
import { given, refusedBeside } from '../options/given'
import {
  type DtypeFlags,
  modelSource,
  probability,
  type SpeculationFlags,
  withDtype,
  withSpeculation,
} from '../options/groups'
import { integer, listOf, number } from '../options/parse'
import { assertShare, type ShareFlags, withShare } from '../options/share'
import { type StatesOfAnswersFlags, statesOfAnswers, withStatesOfAnswers } from '../options/target-states'
import { claimFile, type OutputFile } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { selfSeedsFile, writeSeeds, writeTexts } from '../self-written'
import { count, duration, fixed } from '../terminal'
import { useTuned } from '../tuned'

export interface GenerateFlags
  extends DtypeFlags,
    SpeculationFlags,
    RowFlags,
    StatesOfAnswersFlags,
    EndpointFlags,
    BatchFlags,
    ShareFlags {
  target?: string
  draft?: string
  seeds?: string[]
  selfSeeds?: number
  openingShare?: number
  scripts?: string[]
  texts?: number
  out: string
  temperatures: number[]
  topP: number
  topK: number
  samples: number
  maxTokens: number
  batchSize?: number
  seed: number
}

export const addGenerate: AddCommand = (program, run) => {
  const command = program
    .command('generate')
    .summary('the distillation dataset: seed instructions, answered by the target itself')
    .description(
      'Lets the target answer every seed instruction at every temperature, and writes the conversations as JSONL, row by row. Without seeds, the target writes instructions itself first (Magpie, arXiv 2406.08464), into a file beside --out; a base model begins texts, and continues them. With --texts it writes texts for pretraining instead. Interrupted and run again, it goes on where it was. With --endpoint the target answers elsewhere, and its tokens are kept as that server says them; with --write-batch and --read-batch it is asked by files. The second stage.',
    )
    .option('--target <dir>', `the model that is to be sped up: ${modelSource}`)
    .requiredOption('--out <file>', 'the dataset, JSONL')
    .option(
      '--seeds <files...>',
      `instructions (${rowSource}): messages, conversations, prompt, instruction, turns, question or text (default: self, the target writes them itself)`,
      seedFiles(),
    )
    .option('--self-seeds <n>', 'how many the target writes itself (default: 200)', integer({ least: 1 }))
    .option(
      '--opening-share <p>',
      'the share of these that begin with an opening of ours: chat, writing, summarising, code, maths, extraction, in English (default: 0.5)',
      number({ least: 0, most: 1 }),
    )
    .option(
      '--scripts <list>',
      'keep what the target writes itself in these scripts alone: Latin, Han, Cyrillic … (default: any)',
      listOf(String),
    )
    .option(
      '--texts <n>',
      'let the target write so many texts instead, from nothing, to pretrain a draft on (pretrain --text)',
      integer({ least: 1 }),
    )
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
    .option('--batch-size <n>', 'answers generated side by side (default: 16)', integer({ least: 1 }))
    .option('--seed <n>', 'decides what is drawn', integer(), 0)
    .addOption(
      new DraftOption(
        'answer with a draft of the same vocabulary (default: without; a draft gains less the more answers are side by side, and soon costs time: evaluate --batch-size measures it)',
      ),
    )
  withSpeculation(command)
  withStatesOfAnswers(command)
  withShare(command, 'each has its own rows answered, into a file of its own, and the files are put together')
  withEndpoint(command)
  withBatchFiles(command)
  withExamples(withOutputOptions(withDtype(withRows(command), { draft: true, cache: 'target' })), [
    ['The grid of the paper', 'outrider generate --target ./model --seeds seeds.jsonl --out distill.jsonl'],
    [
      'Short answers, greedy and warm',
      'outrider generate --target ./model --seeds seeds.jsonl --out distill.jsonl --temperatures 0,0.7 --max-tokens 64',
    ],
    [
      'No seeds: the target writes 500 instructions itself, and answers them',
      'outrider generate --target ./model --self-seeds 500 --out distill.jsonl',
    ],
    [
      'With what the target says each token from, so that it need not read its answers again',
      'outrider generate --target ./model --seeds seeds.jsonl --out distill.jsonl --target-states ./states',
    ],
    [
      'With the draft that there is, and two answers side by side, for beside many a draft gains little',
      'outrider generate --target ./model --draft lookup+./draft --seeds seeds.jsonl --out distill.jsonl --batch-size 2',
    ],
    [
      'A target that vLLM serves elsewhere; its tokenizer is compared with ours first',
      'outrider generate --endpoint http://gpu-box:8000/v1 --model big --target ./big --seeds seeds.jsonl --out distill.jsonl --concurrency 64',
    ],
    [
      'A hosted one, with the key in OUTRIDER_API_KEY, and what it costs',
      'outrider generate --endpoint https://api.example.com/v1 --model big --seeds seeds.jsonl --out distill.jsonl --prices 0.15,0.6',
    ],
    [
      'Offline: a file of requests for vllm run-batch or a hosted batch service …',
      'outrider generate --model big --seeds seeds.jsonl --out distill.jsonl --write-batch batch.jsonl',
    ],
    [
      '… and the rows of what came back, in any order, in one file or several',
      'outrider generate --model big --seeds seeds.jsonl --out distill.jsonl --read-batch results-*.jsonl',
    ],
    ['Texts of its own, to pretrain on', 'outrider generate --target ./model --texts 2000 --out texts.jsonl'],
  ])
  command.action((flags: GenerateFlags) => run((context) => generate(context, flags), command))
}

async function generate(context: Context, flags: GenerateFlags): Promise<object> {
  const { target: path, dtype, cacheDtype, seeds = [], out, texts, endpoint, apiKeyFile } = flags
  const other = /\.(parquet|arrow|csv|tsv|gz|zst)$/i.exec(out)?.[0]
  if (other)
    throw new OutriderError('INVALID_ARGUMENT', `--out ${out} ends in ${other}, and rows are written as JSONL.`, {
      remedy: 'Name a .jsonl file; datasets reads it with load_dataset("json", data_files=…).',
    })
  const isSelf = seeds.length === 0
  assertTarget(flags)
  assertShare(flags)
  const useless = isSelf
    ? texts !== undefined && given(flags, ['selfSeeds', 'openingShare', 'draft'])
    : given(flags, ofSelfWritten)
  if (useless)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${useless} is of no use here: ${isSelf ? '--texts are written from nothing' : 'the seeds are given, and the target writes none'}.`,
      { remedy: `Leave out ${useless}, or ${isSelf ? '--texts' : '--seeds'}.` },
    )
  if (flags.draft !== undefined)
    refusedBeside('--draft', flags, [
      ['targetStates', '--target-states', 'what the target says is not kept of drafts that it verifies'],
    ])
  const inputs = {
    ...(path !== undefined && { '--target': path }),
    ...(flags.draft !== undefined && { '--draft': draftSource(flags.draft).place }),
    ...(!isSelf && { '--seeds': seeds }),
    ...(apiKeyFile !== undefined && { '--api-key-file': apiKeyFile }),
    ...(flags.readBatch && { '--read-batch': flags.readBatch }),
  }
  if (flags.writeBatch !== undefined)
    return writeBatchFiles(context, { ...flags, seeds, writeBatch: flags.writeBatch }, inputs)
  const file = await claimFile(context, out, { inputs })
  await generatedRows(file)
  const seedsFile = selfSeedsFile(out)
  const own = isSelf && texts === undefined ? await claimFile(context, seedsFile, { inputs }) : undefined
  if (own) await generatedRows(own)
  const resume = 'The rows written stay; the same command goes on from there.'
  if (flags.readBatch) {
    const answered = batchesToRead(context, flags)
    context.resume = resume
    const done = await answer(context, answered, { ...flags, maxFailed: Number.POSITIVE_INFINITY }, file, seeds)
    tellOfBatch(context, answered.figures)
    return { ...done, ...answered.figures }
  }
  if (endpoint !== undefined) {
    const elsewhere = await openEndpoint(context, flags, path)
    context.resume = resume
    return answer(context, elsewhere, flags, file, seeds)
  }
  await useTuned(context)
  const target = await openModel(context, path!, 'target', { dtype, cacheDtype })
  const draft = await draftOfRows(context, flags, target)
  context.resume = resume
  const { batchSize = 16, seed, scripts, openingShare, selfSeeds = 200, maxTokens, topP, topK } = flags
  const writing = { batchSize, seed, scripts }
  if (texts !== undefined) {
    const written = await writeTexts(context, target, { ...writing, file, count: texts, maxTokens, topP, topK })
    const { rows, generated, others, leftOut } = written
    context.terminal.print(`${rows} texts in ${out}, ${generated} of them new${leftOutIn(leftOut)}`)
    return { out, rows, generated, others, left_out: leftOut }
  }
  if (!own) return answer(context, target, { ...flags, drafted: draft }, file, seeds)
  const settings = { ...writing, count: selfSeeds, openingShare, path: seedsFile, file: own }
  const { rows, leftOut } = await writeSeeds(context, target, settings)
  context.terminal.print(`${rows} seeds in ${seedsFile}${leftOutIn(leftOut)}`)
  const answered = await answer(context, target, { ...flags, drafted: draft }, file, [seedsFile])
  return { ...answered, seeds: seedsFile, seed_rows: rows, left_out: leftOut }
}

/** Files of seeds: none where the target is to write them itself. */
function seedFiles() {
  let isSelf = false
  return (file: string, files: string[] = []): string[] => {
    isSelf ||= file === 'self'
    if (!isSelf) return [...files, file]
    if (files.length === 0 && file === 'self') return []
    throw new InvalidArgumentError('It is self alone, or files; a file of that name is ./self.')
  }
}

const leftOutIn = (leftOut: LeftOutFaults): string =>
  Object.keys(leftOut).length > 0 ? `; not kept: ${leftOutText(leftOut)}` : ''

/** Has the seeds answered. */
async function answer(
  { terminal, signal }: Context,
  target: PretrainedModel | EndpointTarget,
  {
    out,
    skipBadRows,
    temperatures,
    topP,
    topK,
    samples,
    maxTokens,
    seed,
    drafted,
    ...flags
  }: GenerateFlags & { drafted?: DraftedAnswers | undefined },
  file: OutputFile,
  seeds: string[],
): Promise<object> {
  const reading = rowReading(terminal, { skipBadRows })
  const { prices, maxFailed, concurrency, batchSize = concurrency, rank, worldSize } = flags
  const notes = () => (drafted?.metrics ? [`τ ${fixed(drafted.metrics.blockEfficiency)}`] : [])
  const progress = generationProgress(terminal, { prices, notes })
  using states = 'kind' in target ? undefined : statesOfAnswers(terminal, flags)
  let done: { tokens: number; prompt_tokens: number; seconds: number; cost?: number } | undefined
  const { rows, generated, others, withoutIds, failed } = await generateDataset({
    ...{ target, temperatures, topP, topK, samples, maxTokens, batchSize, maxFailed, seed, rank, worldSize, signal },
    draft: drafted,
    seeds: rowFiles(seeds, reading.options),
    out: file,
    onRemark: (remark) => terminal.warn(remark),
    onStates: states && ((answers) => states.keep(target as PretrainedModel, answers)),
    onProgress(state) {
      if (!done && state.others > 0)
        terminal.warn(
          `${out} has ${state.others} ${state.others === 1 ? 'row' : 'rows'} besides those that are asked for, of other instructions, settings or targets, or doubled. They stay in it; name another --out to have these alone.`,
        )
      progress(state)
      const { tokens, promptTokens, seconds } = state
      done = { tokens, prompt_tokens: promptTokens, seconds, ...(prices && { cost: costOf(prices, state) }) }
    },
  })
  terminal.endProgress()
  terminal.print(
    `${rows} rows in ${out}, ${generated} of them new (${count(done?.tokens ?? 0)} tokens in ${duration(done?.seconds ?? 0)})${others > 0 ? `; ${others} are not of these instructions, settings and target` : ''}`,
  )
  const speculation = drafted?.metrics
  if (speculation) terminal.printParagraph(draftedText(speculation))
  if (done?.cost !== undefined) terminal.print(`It cost ${done.cost}, by --prices.`)
  if (withoutIds > 0)
    terminal.warn(
      `The endpoint says no ids of tokens for ${withoutIds} of the new rows: distill will learn the tokens of their texts, which may be others. vLLM and outrider serve say them.`,
    )
  if (failed > 0 && !flags.readBatch)
    terminal.warn(
      `The endpoint refused ${failed} ${failed === 1 ? 'row' : 'rows'}; the same command asks for them again.`,
    )
  const elsewhere = 'kind' in target && { without_ids: withoutIds, failed }
  const drafting = speculation && { speculation: speculation.toJSON() }
  return { out, rows, generated, others, ...done, ...elsewhere, ...drafting, ...reading.summary() }
}

/** How the drafts of a batch fared. */
function draftedText(metrics: SpeculationMetrics): string {
  const { blockEfficiency, acceptanceRate, numAcceptedTokens, numDraftTokens } = metrics
  const byDrafter = draftersText(metrics)
  return [
    `With the draft: ${fixed(blockEfficiency)} tokens from each pass of the target over an answer (τ), α ${fixed(acceptanceRate)}, accepted/drafted ${numAcceptedTokens}/${numDraftTokens}`,
    ...(byDrafter ? [byDrafter] : []),
  ].join('; ')
}
