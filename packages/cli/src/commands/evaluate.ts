import { basename } from 'node:path'
import { rowFiles } from '@outrider/dataset'
import {
  allTasks,
  draftersText,
  type EvaluationFigures,
  evaluationReport,
  measurePair,
  paysText,
  readPrompts,
  stepCosts,
  stopsText,
  tokenByToken,
} from '@outrider/evaluation'
import { type DraftStop, figuresJson, SpeculativeDecoder, type VerificationName } from '@outrider/speculative'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import { adapterLabel, type Context } from '../context'
import { DraftOption, draftName, draftSource } from '../draft/draft-source'
import { drafterOf, openDraft } from '../draft/open-draft'
import { blockTimes, printBlockTimes } from '../evaluation/block-times'
import { evaluationProgress } from '../evaluation/progress'
import { openModel } from '../models'
import {
  type DtypeFlags,
  modelSource,
  type SamplingFlags,
  verification,
  withDraftStop,
  withDtype,
  withSampling,
} from '../options/groups'
import { draftTokens, integer, listOf } from '../options/parse'
import { claimFile } from '../outputs/index'
import { writeReport } from '../outputs/write-report'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { fixed } from '../terminal'
import { useTuned } from '../tuned'
import { warmUpProgress } from '../warm-up-progress'

interface EvaluateFlags extends SamplingFlags, DtypeFlags, RowFlags {
  target: string
  draft: string
  prompts: string[]
  draftLength: number[]
  draftStop?: DraftStop | 'auto' | undefined
  verification: VerificationName
  maxTokens: number
  limit?: number
  batchSize: number
  blockTimes?: boolean
  report?: string
}

export const addEvaluate: AddCommand = (program, run) => {
  const command = program
    .command('evaluate')
    .summary('how well a draft predicts a target, and what that gains')
    .description(
      'Answers prompts plainly and with the draft, and prints for each category of prompts and for all: tokens per target pass (τ), acceptance (α), memory-bound speed-up (MBSU), the measured cost ratio c, both token rates and the measured speed-up.',
    )
    .requiredOption('--target <dir>', `the model that is to be sped up: ${modelSource}`)
    .addOption(new DraftOption('the draft').makeOptionMandatory())
    .requiredOption(
      '--prompts <files...>',
      `prompts (${rowSource}): messages, prompt, instruction, turns or text, and a category`,
    )
    .option('--draft-length <list>', 'tokens drafted for a block (γ), several in a list', listOf(draftTokens), [3, 5])
    .option('--verification <rule>', 'token (Leviathan et al. 2023) or block (Sun et al. 2025)', verification, 'block')
    // The first token comes of the prompt, and a block adds one more than it drafts: with two, none would be drafted.
    .option('--max-tokens <n>', 'the most tokens of an answer', integer({ least: 3 }), 128)
    .option('--limit <n>', 'only the first prompts of each category', integer({ least: 1 }))
    .option(
      '--batch-size <n>',
      'prompts of a category answered at once: τ and α stay as they are, and token rates are those of all of them together',
      integer({ least: 1 }),
      1,
    )
    .option('--block-times', "take a block's time apart: draft steps, target pass, verification, readback, host")
    .option('--report <file>', 'write a report as one HTML file: plots, tables, an answer token by token')
  withExamples(withOutputOptions(withDtype(withRows(withSampling(withDraftStop(command))), { draft: true })), [
    ['Greedy, blocks of 3 and of 5', 'outrider evaluate --target ./model --draft ./draft --prompts prompts.jsonl'],
    [
      'As people use it',
      'outrider evaluate --target ./model --draft ./draft --prompts prompts.jsonl --temperature 0.7 --top-p 0.95 --draft-length 5',
    ],
    [
      'A report to look at and to send on',
      'outrider evaluate --target ./model --draft ./draft --prompts prompts.jsonl --report out.html',
    ],
    [
      'What looking up gains, and what the draft adds to it',
      'outrider evaluate --target ./model --draft lookup+./draft --prompts prompts.jsonl --report out.html',
    ],
    [
      'What is left of it where eight are answered at once',
      'outrider evaluate --target ./model --draft ./draft --prompts prompts.jsonl --batch-size 8',
    ],
    [
      'Ten prompts of each category, the figures for a script',
      'outrider evaluate --target ./model --draft ./draft --prompts question.jsonl --limit 10 --json',
    ],
  ])
  command.action((flags: EvaluateFlags) => run((context) => evaluate(context, flags), command))
}

async function evaluate(context: Context, flags: EvaluateFlags): Promise<object> {
  const { terminal, signal } = context
  const began = performance.now()
  const report =
    flags.report === undefined
      ? undefined
      : await claimFile(context, flags.report, {
          inputs: { '--target': flags.target, '--draft': draftSource(flags.draft).place, '--prompts': flags.prompts },
          needsFolder: true,
        })
  await useTuned(context)
  const target = await openModel(context, flags.target, 'target', flags)
  const opened = await openDraft(context, flags.draft, {
    target,
    dtype: flags.draftDtype,
    cacheDtype: flags.cacheDtype,
  })
  const draft = drafterOf(opened, { draftLength: Math.max(...flags.draftLength) })
  const reading = rowReading(terminal, flags)
  const prompts = await readPrompts(rowFiles(flags.prompts, reading.options), target, flags.limit)
  const { temperature, topK, topP, seed = 0, maxTokens, batchSize } = flags
  const { draftLength: draftLengths, draftStop, verification } = flags
  const sampling = { temperature, topK, topP, seed }

  const longest = { target, drafter: draft, draftLength: Math.max(...draftLengths), draftStop }
  await new SpeculativeDecoder(longest).warmUp({ ...sampling, signal, onProgress: warmUpProgress(terminal) })
  const costs = await stepCosts(target, draft, sampling, { stops: draftStop !== undefined })
  const onAnswer = evaluationProgress(terminal, prompts.length * (1 + draftLengths.length))
  const measure = {
    target,
    draft,
    prompts,
    draftLengths,
    draftStop,
    verification,
    sampling,
    maxTokens,
    batchSize,
    costs,
    signal,
    onAnswer,
  }
  const measured = await measurePair(measure)
  terminal.endProgress()

  for (const { draftLength, all, categories } of measured.results) {
    const together = batchSize > 1 ? `, up to ${batchSize} prompts of a category at once` : ''
    terminal.print(`\nγ = ${draftLength}, ${temperature === 0 ? 'greedy' : `temperature ${temperature}`}${together}`)
    terminal.printTable(
      columns,
      [...Object.entries(categories), [allTasks, all] as const].map(([name, figures]) => rowOf(name, figures)),
    )
    terminal.printParagraph(furtherFigures(all, batchSize))
    if (draftStop === 'auto') terminal.print(stopsText(all))
    const byDrafter = draftersText(all)
    if (byDrafter) terminal.print(byDrafter)
  }
  const times = flags.blockTimes
    ? await blockTimes(target, draft, { ...sampling, draftLengths, verification, signal })
    : undefined
  if (times) printBlockTimes(terminal, times)
  const adapter = adapterLabel(await context.device())
  if (report) {
    const ways = draftLengths.map((draftLength) => ({ title: `γ = ${draftLength}`, draft, draftLength }))
    const { prompt, shown } = prompts[0]!
    const data = evaluationReport({
      ...measured,
      names: {
        target: basename(flags.target),
        draft: draftName(flags.draft),
        prompts: flags.prompts.map((file) => basename(file)).join(', '),
      },
      completion: await tokenByToken(target, ways, { prompt, shown, ...sampling, maxTokens, verification, signal }),
      adapter,
      seconds: (performance.now() - began) / 1000,
    })
    terminal.print(`\nReport: ${await writeReport(report, data)}`)
  }
  return {
    target: flags.target,
    draft: flags.draft,
    adapter,
    temperature,
    top_k: topK,
    top_p: topP,
    seed,
    verification,
    batch_size: batchSize,
    parameter_ratio: measured.results[0]!.all.parameterRatio,
    costs: figuresJson(costs),
    ...(times && { block_times: times.map(figuresJson) }),
    results: measured.results.map(({ draftLength, all, categories }) => ({
      draft_length: draftLength,
      all: figuresJson(all),
      categories: Object.fromEntries(Object.entries(categories).map(([name, figures]) => [name, figuresJson(figures)])),
    })),
    ...reading.summary(),
    ...(flags.report !== undefined && { report: flags.report }),
  }
}

const right = (title: string) => ({ title, align: 'right' as const })
const columns = [{ title: 'category' }, ...['τ', 'α', 'MBSU', 'c', 'plain tok/s', 'spec. tok/s', 'speed-up'].map(right)]

const rowOf = (name: string, figures: EvaluationFigures): string[] => [
  name,
  fixed(figures.blockEfficiency),
  fixed(figures.acceptanceRate),
  fixed(figures.mbsu),
  fixed(figures.costRatio),
  fixed(figures.plainTokensPerSecond, 0),
  fixed(figures.tokensPerSecond, 0),
  `${fixed(figures.speedUp)}×`,
]

/** What the table has no room for, over all categories. */
function furtherFigures(figures: EvaluationFigures, batchSize: number): string {
  const { numAcceptedTokens, numDraftTokens, breakEvenAcceptanceRate: even } = figures
  const counted = [
    `accepted/drafted ${numAcceptedTokens}/${numDraftTokens} = ${fixed(figures.draftAcceptanceRate)}`,
    `α by position ${figures.acceptanceRatePerPos.map((alpha) => fixed(alpha)).join(' ')}`,
  ]
  // What costs of single sequences say does not hold of several.
  if (batchSize > 1)
    return [
      ...counted,
      'tokens/s of all prompts at once, plainly and with the draft',
      figures.pays ? 'it pays' : 'it does not pay here',
    ].join('; ')
  return [
    ...counted,
    `break-even α ${even === null ? 'out of reach' : fixed(even)}`,
    `${fixed(figures.speedUpShare)} of τ/(1 + cγ) = ${fixed(figures.expectedSpeedUp)}×`,
    paysText(figures),
  ].join('; ')
}
