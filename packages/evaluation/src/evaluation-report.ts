import type { PretrainedModel, SamplingOptions } from '@outrider/transformer'
import { modelFacts } from '../models'
import { allTasks, type Completion, type EvaluationRow, type ReportData, temperatureText } from '../report/index'
import { duration, fixed } from '../terminal'
import type { EvaluationFigures } from './figures'
import { paysText } from './pays'

/** What `evaluate` measured with one draft length. */
export interface LengthResult {
  draft_length: number
  all: EvaluationFigures
  categories: Readonly<Record<string, EvaluationFigures>>
}

export interface Evaluated {
  target: PretrainedModel
  draft: PretrainedModel
  names: { target: string; draft: string; prompts: string }
  results: readonly LengthResult[]
  completion: Completion
  adapter: { name: string; isSoftware: boolean }
  sampling: Required<SamplingOptions>
  verification: string
  maxTokens: number
  seconds: number
}

/** What the report of an evaluation tells. */
export function evaluationReport(evaluated: Evaluated): ReportData {
  const { target, draft, names, results, completion, adapter, sampling, verification, maxTokens, seconds } = evaluated
  const best = results.reduce((a, b) => ((b.all.speed_up ?? 0) > (a.all.speed_up ?? 0) ? b : a))
  return {
    title: 'How well a draft predicts its target',
    lead: leadOf(evaluated, best),
    headline: headlineOf(best),
    created: new Date().toISOString().slice(0, 16).replace('T', ' '),
    adapter: adapter.name,
    models: [modelFacts(names.target, 'target', target), modelFacts(names.draft, 'draft', draft)],
    curves: [],
    evaluation: results.flatMap((result) => rowsOf(names.draft, result, sampling.temperature ?? 0)),
    completion,
    settings: {
      Sampling: {
        temperature: sampling.temperature ?? 0,
        'top-p': sampling.topP ?? 1,
        'top-k': sampling.topK === 0 ? 'all' : (sampling.topK ?? 'all'),
        seed: sampling.seed ?? 0,
      },
      Evaluation: {
        prompts: `${best.all.prompts} of ${names.prompts}`,
        'draft lengths': results.map(({ draft_length }) => draft_length).join(', '),
        verification,
        'most tokens an answer': maxTokens,
        'time in all': duration(seconds),
      },
    },
    notes: notesOf(evaluated, best),
  }
}

function leadOf({ names, sampling }: Evaluated, { draft_length, all }: LengthResult): string {
  const { prompts, block_efficiency, speed_up } = all
  const how = `γ = ${draft_length}, ${temperatureText(sampling.temperature ?? 0)}`
  const measured = (speed_up ?? 0) >= 1 ? 'times the plain rate' : 'times the plain rate, so here it is slower'
  return `With the draft ${names.draft}, ${names.target} gains ${fixed(block_efficiency)} tokens from each of its passes (${how}; ${prompts} ${prompts === 1 ? 'prompt' : 'prompts'}). Measured, that is ${fixed(speed_up)} ${measured}.`
}

function headlineOf({ draft_length, all }: LengthResult): NonNullable<ReportData['headline']> {
  const even = all.break_even_acceptance_rate
  return [
    { label: 'Block efficiency τ', value: fixed(all.block_efficiency), note: `γ = ${draft_length}` },
    {
      label: 'Measured speed-up',
      value: `${fixed(all.speed_up)}×`,
      note: `${fixed(all.tokens_per_second, 0)} against ${fixed(all.plain_tokens_per_second, 0)} tokens/s`,
    },
    {
      label: 'Acceptance α',
      value: fixed(all.acceptance_rate),
      note: `pays ${even === null ? 'at no α here' : `from ${fixed(even)}`}`,
    },
    {
      label: 'Accepted/drafted',
      value: fixed(all.draft_acceptance_rate),
      note: `${all.num_accepted_tokens} of ${all.num_draft_tokens}`,
    },
    { label: 'MBSU', value: `${fixed(all.mbsu)}×`, note: 'on memory-bound hardware' },
  ]
}

function notesOf({ results, adapter }: Evaluated, best: LengthResult): string[] {
  const { all, categories, draft_length } = best
  const even = all.break_even_acceptance_rate
  const price = `A draft step costs ${fixed(all.cost_ratio)} of a target step here (by parameters ${fixed(all.parameter_ratio)}).`
  const pays =
    even === null
      ? `Blocks of γ = ${draft_length} are slower than plain decoding whatever is accepted.`
      : `Blocks of γ = ${draft_length} are as fast as plain decoding at α = ${fixed(even)}; α is ${fixed(all.acceptance_rate)}.`
  const ranked = Object.entries(categories).sort(([, a], [, b]) => b.block_efficiency - a.block_efficiency)
  const [first, last] = [ranked[0], ranked.at(-1)]
  const notes = [`${price} ${pays} Measured: ${paysText(all)}.`]
  if (first && last && ranked.length > 1)
    notes.push(
      `By category τ is highest for ${first[0]} (${fixed(first[1].block_efficiency)}) and lowest for ${last[0]} (${fixed(last[1].block_efficiency)}).`,
    )
  if (all.prompts < 20)
    notes.push(`${all.prompts} ${all.prompts === 1 ? 'prompt is' : 'prompts are'} few: small differences say little.`)
  if (results.length > 1) notes.push(`The figures at the top are those of γ = ${draft_length}, the fastest measured.`)
  if (adapter.isSoftware)
    notes.push('The adapter is a software one: rates are those of a processor. τ, α and MBSU hold on any hardware.')
  return notes
}

const rowsOf = (draft: string, { draft_length, all, categories }: LengthResult, temperature: number): EvaluationRow[] =>
  [...Object.entries(categories), [allTasks, all] as const].map(([task, figures]) =>
    evaluationRow(figures, { draft, task, draftLength: draft_length, temperature }),
  )

/** A row of the report's table: what was measured, and on what. */
export function evaluationRow(
  figures: EvaluationFigures,
  of: Pick<EvaluationRow, 'draft' | 'task' | 'draftLength' | 'temperature'>,
): EvaluationRow {
  return {
    ...of,
    blockEfficiency: figures.block_efficiency,
    acceptanceRate: figures.acceptance_rate,
    draftAcceptanceRate: figures.draft_acceptance_rate,
    acceptanceByPosition: figures.acceptance_rate_per_pos,
    acceptanceLength: figures.mean_acceptance_length,
    neededLength: figures.needed_acceptance_length,
    pays: figures.pays,
    mbsu: figures.mbsu,
    plainTokensPerSecond: figures.plain_tokens_per_second ?? 0,
    speculativeTokensPerSecond: figures.tokens_per_second,
    speedUp: figures.speed_up ?? 0,
    speedUpShare: figures.speed_up_share,
  }
}
