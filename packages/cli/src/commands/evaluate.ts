import {
  measureCosts,
  modelDrafter,
  type SpeculationMetrics,
  SpeculativeDecoder,
  type Verification,
} from '@outrider/speculative'
import {
  compareVocabularies,
  type PretrainedModel,
  parameterCount,
  resolveSampling,
  type SamplingOptions,
} from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import { adapterLabel, type Context } from '../context'
import { evaluationProgress } from '../evaluation/progress'
import { readPrompts } from '../evaluation/prompts'
import {
  all,
  type MeasureOptions,
  measurePlain,
  measureSpeculation,
  type Pace,
  type Speculation,
  tokensPerSecond,
} from '../evaluation/speculation'
import { openModel } from '../models'
import {
  type DtypeFlags,
  modelSource,
  type SamplingFlags,
  verification,
  withDtype,
  withSampling,
} from '../options/groups'
import { integer, listOf } from '../options/parse'
import { fixed } from '../terminal'

interface EvaluateFlags extends SamplingFlags, DtypeFlags {
  target: string
  draft: string
  prompts: string
  draftLength: number[]
  verification: Verification
  maxTokens: number
  limit?: number
}

export const addEvaluate: AddCommand = (program, run) => {
  const command = program
    .command('evaluate')
    .summary('how well a draft predicts a target, and what that gains')
    .description(
      'Answers prompts plainly and with the draft, and prints for each category of prompts and for all: tokens per target pass (τ), acceptance (α), memory-bound speed-up (MBSU), the measured cost ratio c, both token rates and the measured speed-up.',
    )
    .requiredOption('--target <dir>', `the model that is to be sped up: ${modelSource}`)
    .requiredOption('--draft <dir>', 'the draft')
    .requiredOption(
      '--prompts <file>',
      'prompts as JSONL: messages, prompt, instruction, turns or text, and a category',
    )
    .option(
      '--draft-length <list>',
      'tokens drafted for a block (γ), several in a list',
      listOf(integer({ least: 1 })),
      [3, 5],
    )
    .option('--verification <rule>', 'token (Leviathan et al. 2023) or block (Sun et al. 2025)', verification, 'block')
    .option('--max-tokens <n>', 'the most tokens of an answer', integer({ least: 2 }), 128)
    .option('--limit <n>', 'only the first prompts of each category', integer({ least: 1 }))
  withExamples(withOutputOptions(withDtype(withSampling(command), { draft: true })), [
    ['Greedy, blocks of 3 and of 5', 'outrider evaluate --target ./model --draft ./draft --prompts prompts.jsonl'],
    [
      'As people use it',
      'outrider evaluate --target ./model --draft ./draft --prompts prompts.jsonl --temperature 0.7 --top-p 0.95 --draft-length 5',
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
  const target = await openModel(context, flags.target, 'target', flags.dtype)
  const draft = await openModel(context, flags.draft, 'draft', flags.draftDtype)
  compareVocabularies(target, draft)
  const prompts = await readPrompts(flags.prompts, target, flags.limit)
  const { temperature, topK, topP, seed, maxTokens } = flags
  const sampling: SamplingOptions = { temperature, topK, topP, seed }

  const onAnswer = evaluationProgress(terminal, prompts.length * (1 + flags.draftLength.length))
  const measure: MeasureOptions = {
    target,
    prompts,
    sampling,
    maxTokens,
    signal,
    onAnswer,
  }
  const costs = await stepCosts(target, draft, sampling)
  const longest = { target, drafter: draft, draftLength: Math.max(...flags.draftLength) }
  await new SpeculativeDecoder(longest).warmUp({ ...sampling, signal })
  const plain = await measurePlain(measure)
  const runs: { draftLength: number; speculation: Speculation }[] = []
  for (const draftLength of flags.draftLength)
    runs.push({
      draftLength,
      speculation: await measureSpeculation({
        ...measure,
        draft,
        draftLength,
        verification: flags.verification,
        costs,
      }),
    })
  terminal.endProgress()

  const results = runs.map(({ draftLength, speculation }) => {
    const figures = (category: string) =>
      figuresOf(speculation.metrics.get(category)!, plain.get(category), speculation.paces.get(category))
    const categories = [...speculation.paces.keys()].filter((category) => category !== all)
    return {
      draft_length: draftLength,
      all: figures(all),
      categories: Object.fromEntries(categories.map((category) => [category, figures(category)])),
    }
  })
  for (const { draft_length, all: whole, categories } of results) {
    terminal.print(`\nγ = ${draft_length}, ${temperature === 0 ? 'greedy' : `temperature ${temperature}`}`)
    terminal.printTable(
      columns,
      [...Object.entries(categories), ['all', whole] as const].map(([name, figures]) => rowOf(name, figures)),
    )
  }
  return {
    target: flags.target,
    draft: flags.draft,
    adapter: adapterLabel(await context.device()),
    temperature,
    top_k: topK,
    top_p: topP,
    seed,
    verification: flags.verification,
    parameter_ratio: parameterCount(draft.config) / parameterCount(target.config),
    results,
  }
}

/** What steps of the two models cost, measured before anything else: it also compiles their kernels. */
export const stepCosts = (target: PretrainedModel, draft: PretrainedModel, sampling: SamplingOptions) =>
  measureCosts({
    target: target.model,
    drafter: modelDrafter(draft.model, { parameterCount: parameterCount(draft.config) }),
    sampling: resolveSampling(sampling),
  })

/** The figures of one category, in the names that scripts rely on: vLLM's, the paper's, and the measured rates. */
export interface EvaluationFigures extends ReturnType<SpeculationMetrics['toJSON']> {
  prompts: number
  /** Tokens after the first of each answer. */
  tokens: number
  speed_up: number | null
}

/** Rates and speed-up are those measured while answering; the first token of each answer, which waits for the prompt, is left out. */
export function figuresOf(
  metrics: SpeculationMetrics,
  plain: Pace | undefined,
  speculative: Pace | undefined,
): EvaluationFigures {
  const plainRate = tokensPerSecond(plain)
  const rate = tokensPerSecond(speculative)
  return {
    prompts: speculative?.answers ?? 0,
    tokens: speculative?.tokens ?? 0,
    ...metrics.toJSON(),
    tokens_per_second: rate,
    plain_tokens_per_second: plainRate,
    speed_up: plainRate > 0 ? rate / plainRate : null,
  }
}

const right = (title: string) => ({ title, align: 'right' as const })
const columns = [
  { title: 'category' },
  right('τ'),
  right('α'),
  right('MBSU'),
  right('c'),
  right('plain tok/s'),
  right('spec. tok/s'),
  right('speed-up'),
  { title: 'α by position' },
]

const rowOf = (name: string, figures: EvaluationFigures): string[] => [
  name,
  fixed(figures.block_efficiency),
  fixed(figures.acceptance_rate),
  fixed(figures.mbsu),
  fixed(figures.cost_ratio),
  fixed(figures.plain_tokens_per_second, 0),
  fixed(figures.tokens_per_second, 0),
  `${fixed(figures.speed_up)}×`,
  figures.acceptance_rate_per_pos.map((alpha) => fixed(alpha)).join(' '),
]
