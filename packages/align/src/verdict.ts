import { type EvaluationFigures, fixed } from '@outrider/evaluation'
import { byTask } from './by-task'
import type { Plan } from './plan/plan'
import { figuresOfWay, type Measured } from './stages/evaluate'
import { type Way, ways } from './stages/ways'

/** Gains that are less than this are within what one run of few prompts says. */
const little = 0.03

/** What came out, in one sentence: how much faster it is, by what, on which tasks least and most, and what of it the draft adds. */
export function verdict({ draftLength, evaluate }: Pick<Plan, 'draftLength' | 'evaluate'>, measured: Measured): string {
  const gain = (way: Way) => figuresOfWay(measured, way).speedUp ?? 0
  const best = Object.values(ways).reduce((a, b) => (gain(b) > gain(a) ? b : a))
  const [all, table] = [ways.all, ways.table].map((way) => figuresOfWay(measured, way, { draftLength })) as [
    EvaluationFigures,
    EvaluationFigures,
  ]
  const added = all.blockEfficiency / table.blockEfficiency - 1
  const adds =
    added > little
      ? `the draft adds ${percent(added)} to what lookups and the table alone have a pass (τ at γ ${draftLength} ${fixed(all.blockEfficiency)} instead of ${fixed(table.blockEfficiency)})`
      : `the draft adds little to lookups and the table alone, which need no model (τ at γ ${draftLength} ${fixed(all.blockEfficiency)} and ${fixed(table.blockEfficiency)})`
  const where = `γ auto, greedy, ${evaluate.prompts} held-out prompts${tasksText(measured, best)}`
  return gain(best) > 1
    ? `Answers come ${fixed(gain(best))} times as fast as plainly with ${best} (${where}); ${adds}.`
    : `No way of drafting is faster here than plain decoding: the best, ${best}, has ${fixed(gain(best))} times its rate (${where}); ${adds}.`
}

const percent = (share: number) => `${Math.round(100 * share)} %`

/** The tasks on which a way gains least and most, greedily; nothing where tasks cannot be told apart. */
function tasksText(measured: Measured, best: Way): string {
  const gains = byTask(measured)
    .filter(({ temperature }) => temperature === 0)
    .map(({ task, ways }) => ({ task, gain: ways.find(({ way }) => way === best)?.speedUp ?? 0 }))
    .sort((a, b) => a.gain - b.gain)
  const [least, most] = [gains.at(0), gains.at(-1)]
  return least && most ? `, from ${fixed(least.gain)} on ${least.task} to ${fixed(most.gain)} on ${most.task}` : ''
}
