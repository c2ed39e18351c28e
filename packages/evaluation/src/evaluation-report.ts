import { type StepCosts, verificationRule } from '@outrider/speculative'
import { allTasks } from './figures'
import type { LengthResult, PairMeasurement } from './measure-pair'
import { duration, fixed } from './numbers'
import { paysText } from './pays-text'
import type { Completion, EvaluationRow, ReportData } from './report/data'
import { modelFacts } from './report/model-facts'
import { temperatureText } from './report/results'

/** A measurement, and what a report says besides. */
export interface Evaluated extends Omit<PairMeasurement, 'costs' | 'batchSize'> {
  /** Of the measurement: whether the draft takes a step a token, or a pass a block. Default a step a token. */
  costs?: Pick<StepCosts, 'draftPasses'> | undefined
  /** Of the measurement: prompts of a category that were answered at once. Default 1. */
  batchSize?: number | undefined
  names: { target: string; draft: string; prompts: string }
  completion?: Completion | undefined
  /** The adapter as it is to be printed. */
  adapter: string
  seconds: number
}

/** What the report of an evaluation tells. */
export function evaluationReport(evaluated: Evaluated): ReportData {
  const { target, draft, names, results, completion, adapter, sampling, verification, maxTokens, seconds } = evaluated
  const { batchSize = 1 } = evaluated
  const best = results.reduce((a, b) => ((b.all.speedUp ?? 0) > (a.all.speedUp ?? 0) ? b : a))
  return {
    title: 'How well a draft predicts its target',
    lead: leadOf(evaluated, best),
    headline: headlineOf(best, batchSize),
    created: new Date().toISOString().slice(0, 16).replace('T', ' '),
    adapter,
    models: [
      modelFacts(names.target, 'target', target),
      ...('open' in draft ? [] : [modelFacts(names.draft, 'draft', draft)]),
    ],
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
        'draft lengths': results.map(({ draftLength }) => draftLength).join(', '),
        verification: verificationRule(verification).name,
        'most tokens an answer': maxTokens,
        ...(batchSize > 1 && { 'prompts at once': `up to ${batchSize} of a category` }),
        'time in all': duration(seconds),
      },
    },
    notes: notesOf(evaluated, best),
  }
}

function leadOf({ names, sampling }: Evaluated, { draftLength, all }: LengthResult): string {
  const { prompts, blockEfficiency, speedUp } = all
  const how = `γ = ${draftLength}, ${temperatureText(sampling.temperature ?? 0)}`
  const measured = (speedUp ?? 0) >= 1 ? 'times the plain rate' : 'times the plain rate, so here it is slower'
  return `With the draft ${names.draft}, ${names.target} gains ${fixed(blockEfficiency)} tokens from each of its passes (${how}; ${prompts} ${prompts === 1 ? 'prompt' : 'prompts'}). Measured, that is ${fixed(speedUp)} ${measured}.`
}

function headlineOf({ draftLength, all }: LengthResult, batchSize: number): NonNullable<ReportData['headline']> {
  const even = all.breakEvenAcceptanceRate
  const pays = `pays ${even === null ? 'at no α here' : `from ${fixed(even)}`}`
  return [
    { label: 'Block efficiency τ', value: fixed(all.blockEfficiency), note: `γ = ${draftLength}` },
    {
      label: 'Measured speed-up',
      value: `${fixed(all.speedUp)}×`,
      note: `${fixed(all.tokensPerSecond, 0)} against ${fixed(all.plainTokensPerSecond, 0)} tokens/s`,
    },
    {
      label: 'Acceptance α',
      value: fixed(all.acceptanceRate),
      note: batchSize > 1 ? 'of tokens drafted' : pays,
    },
    {
      label: 'Accepted/drafted',
      value: fixed(all.draftAcceptanceRate),
      note: `${all.numAcceptedTokens} of ${all.numDraftTokens}`,
    },
    { label: 'MBSU', value: `${fixed(all.mbsu)}×`, note: 'on memory-bound hardware' },
  ]
}

function notesOf({ results, target, costs, batchSize = 1 }: Evaluated, best: LengthResult): string[] {
  const { all, categories, draftLength } = best
  const even = all.breakEvenAcceptanceRate
  const drafting = costs?.draftPasses ? 'A pass of the draft, which proposes a whole block,' : 'A draft step'
  const price = `${drafting} costs ${fixed(all.costRatio)} of a target step here (by parameters ${fixed(all.parameterRatio)}).`
  const pays =
    even === null
      ? `Blocks of γ = ${draftLength} are slower than plain decoding whatever is accepted.`
      : `Blocks of γ = ${draftLength} are as fast as plain decoding at α = ${fixed(even)}; α is ${fixed(all.acceptanceRate)}.`
  const ranked = Object.entries(categories).sort(([, a], [, b]) => b.blockEfficiency - a.blockEfficiency)
  const [first, last] = [ranked[0], ranked.at(-1)]
  const together = `Up to ${batchSize} prompts of a category were answered at once, and rates are those of all of them together, plainly and with the draft: ${all.pays ? 'it pays' : 'it does not pay here'}.`
  const notes = [batchSize > 1 ? together : `${price} ${pays} Measured: ${paysText(all)}.`]
  if (first && last && ranked.length > 1)
    notes.push(
      `By category τ is highest for ${first[0]} (${fixed(first[1].blockEfficiency)}) and lowest for ${last[0]} (${fixed(last[1].blockEfficiency)}).`,
    )
  if (all.prompts < 20)
    notes.push(`${all.prompts} ${all.prompts === 1 ? 'prompt is' : 'prompts are'} few: small differences say little.`)
  if (results.length > 1) notes.push(`The figures at the top are those of γ = ${draftLength}, the fastest measured.`)
  if (target.model.device.isSoftware)
    notes.push('The adapter is a software one: rates are those of a processor. τ, α and MBSU hold on any hardware.')
  return notes
}

const rowsOf = (draft: string, { draftLength, all, categories }: LengthResult, temperature: number): EvaluationRow[] =>
  [...Object.entries(categories), [allTasks, all] as const].map(([task, figures]) => ({
    ...figures,
    draft,
    task,
    draftLength,
    temperature,
  }))
