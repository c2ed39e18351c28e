import { allTasks, type EvaluationRow, paysText, temperatureText } from '@outrider/evaluation'
import { breakEvenAcceptance, costRatio, type StepCosts } from '@outrider/speculative'
import { fixed } from '../terminal'
import { parallelName } from './plan'

/** Where it was measured, and what steps cost there. */
interface Setting {
  /** By the draft's name. */
  costs: ReadonlyMap<string, StepCosts>
  /** Parameters of a draft over those of the target. */
  parameterRatio: number
  adapter: string
}

/** What the figures say, in sentences: which draft won, what alignment gained, and whether speculation pays here. */
export function findings(
  rows: readonly EvaluationRow[],
  { costs, parameterRatio, adapter }: Setting,
): { lead: string; notes: string[] } {
  const over = rows.filter(({ task }) => task === allTasks)
  const mean = (draft: string, of: (row: EvaluationRow) => number) => {
    const values = over.filter((row) => row.draft === draft).map(of)
    return values.reduce((a, b) => a + b, 0) / values.length
  }
  const drafts = [...new Set(over.map(({ draft }) => draft))]
  const tau = (draft: string) => mean(draft, ({ blockEfficiency }) => blockEfficiency)
  const [base, ...others] = drafts
  const aligned = others.filter((draft) => draft !== parallelName)
  const best = aligned.reduce((a, b) => (tau(b) > tau(a) ? b : a))
  const fastest = over.reduce((a, b) => (measuredSpeedUp(b) > measuredSpeedUp(a) ? b : a))
  const lead = `Block efficiency rises from ${fixed(tau(base!))} with the merely pretrained draft to ${fixed(tau(best))} with the one aligned by ${best} (mean over γ and sampling, all tasks). The fastest setting decodes at ${fixed(measuredSpeedUp(fastest))} times the plain rate: ${settingText(fastest)}.`
  const notes = [
    `Losses by mean τ: ${aligned.map((draft) => `${draft} ${fixed(tau(draft))}`).join(', ')}. One short run of one seed: differences of a few hundredths between losses say little.`,
    byTask(rows, best),
    pays(over, { costs, parameterRatio, adapter }, best),
    ...(drafts.includes(parallelName) ? [inOnePass(over, costs)] : []),
  ]
  return { lead, notes }
}

/** The best draft's gain on what it was aligned for, and on the task that it never saw. */
function byTask(rows: readonly EvaluationRow[], best: string): string {
  const own = rows.filter(({ draft, task }) => draft === best && task !== allTasks)
  const fastest = (task: string) => Math.max(...own.filter((row) => row.task === task).map(measuredSpeedUp))
  const tasks = [...new Set(own.map(({ task }) => task))].map((task) => `${task} ${fixed(fastest(task))}×`)
  return `By task, ${best} at its fastest: ${tasks.join(', ')}. Translation is the task that the distillation seeds leave out.`
}

/** The draft that proposes a block in one pass, beside the best of those that take a step a token. */
function inOnePass(over: readonly EvaluationRow[], costs: Setting['costs']): string {
  const fastest = (rows: readonly EvaluationRow[]) =>
    rows.reduce((a, b) => (measuredSpeedUp(b) > measuredSpeedUp(a) ? b : a))
  const parallel = fastest(over.filter(({ draft }) => draft === parallelName))
  const other = fastest(over.filter(({ draft }) => draft !== parallelName))
  const [pass, step] = [parallel, other].map(({ draft, draftLength }) => {
    const own = costs.get(draft)!
    return costRatio(own, Number(draftLength)) * (own.draftPasses ? 1 : Number(draftLength))
  })
  const at = (row: EvaluationRow) => `${fixed(measuredSpeedUp(row))}× (${settingText(row)})`
  return `A block in one pass, at its fastest: ${at(parallel)}, and drafting costs ${fixed(pass)} of a target step; a step a token: ${at(other)}, for ${fixed(step)}. What a GPU takes for each dispatch, beside what it computes, one pass pays once.`
}

const settingText = ({ draft, draftLength, temperature }: EvaluationRow): string =>
  `${draft}, γ = ${draftLength}, ${temperatureText(temperature)}`

/** 0 where plain decoding has no rate. */
const measuredSpeedUp = ({ speedUp }: EvaluationRow): number => speedUp ?? 0

function pays(rows: readonly EvaluationRow[], { costs, parameterRatio, adapter }: Setting, best: string): string {
  const own = rows.filter(({ draft }) => draft === best)
  const steps = costs.get(best)!
  const ratio = costRatio(steps)
  const speedUp = Math.max(...own.map(measuredSpeedUp))
  const shortest = Math.min(...own.map(({ draftLength }) => Number(draftLength)))
  const even = breakEvenAcceptance(steps, shortest)
  const dear = ratio > 1.5 * parameterRatio ? ': small kernels cost what they cost to start' : ''
  const price = `On ${adapter} a draft step costs ${fixed(ratio)} of a target step (by parameters ${fixed(parameterRatio)}${dear}), so γ = ${shortest} pays from an acceptance of about ${even === null ? 'more than 1' : fixed(even)}.`
  // Where it gains most, by the one rule.
  const gain = ({ meanAcceptanceLength, neededAcceptanceLength }: EvaluationRow) =>
    meanAcceptanceLength / (neededAcceptanceLength ?? Infinity)
  const most = own.reduce((a, b) => (gain(b) > gain(a) ? b : a))
  const measured = `With ${best}, γ = ${most.draftLength}, ${temperatureText(most.temperature)}: ${paysText(most)}. Measured, it is up to ${fixed(speedUp)} times plain decoding${most.speedUpShare === null ? '' : `, ${fixed(most.speedUpShare)} of τ / (1 + cγ) there`}.`
  return most.pays === false
    ? `${price} ${measured} MBSU is what memory-bound hardware would gain.`
    : `${price} ${measured}`
}
