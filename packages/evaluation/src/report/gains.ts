import { allTasks } from '../figures'
import { type Bars, barChart } from './bar-chart'
import type { EvaluationRow } from './data'
import { html, type Markup } from './html'
import type { Looking } from './legend'
import { lineChart } from './line-chart'
import { occurring, temperatureText } from './results'

/** What is compared in a plot: drafts, or the draft lengths of the only one. */
interface Compared extends Looking {
  rows: readonly EvaluationRow[]
}

/** Looks of plain decoding: beside draft lengths, and beside drafts. */
const plainLook = { first: 0, last: 5 }

/** Figures of τ by task, of tokens per second, and of α by position. */
export function gains(evaluation: readonly EvaluationRow[]): Markup {
  if (evaluation.length === 0) return html`<p>Nothing was measured.</p>`
  const { drafts, temperatures } = occurring(evaluation)
  const bars: Bars[] = []
  const positions: Markup[] = []
  for (const temperature of temperatures) {
    const here = evaluation.filter((row) => row.temperature === temperature)
    const { draftLengths } = occurring(here)
    const sampling = temperatureText(temperature)
    if (drafts.length === 1) {
      const lengths = draftLengths.map((length, i) => ({
        name: `γ = ${length}`,
        look: i + 1,
        rows: here.filter(({ draftLength }) => draftLength === length),
      }))
      bars.push(efficiency(`Block efficiency τ, ${sampling}`, lengths))
      bars.push(speed(`Tokens per second, ${sampling}`, lengths, here))
      positions.push(byPosition(`Acceptance α by position in the block, ${sampling}`, lengths, `alpha-${temperature}`))
      continue
    }
    for (const length of draftLengths)
      bars.push(efficiency(`Block efficiency τ at γ = ${length}, ${sampling}`, ofDrafts(here, drafts, length)))
    const longest = longestOf(draftLengths)
    const title = `Acceptance α by position in the block, γ = ${longest}, ${sampling}`
    positions.push(byPosition(title, ofDrafts(here, drafts, longest), `alpha-${temperature}`))
  }
  if (drafts.length > 1) bars.push(speedBySetting(evaluation))
  return html`<div class="grid2">${bars.map((each, i) => barChart(each, `bars${i}`))}${positions}</div>`
}

/** 'auto', whose blocks are of any length, only where there is no other. */
const longestOf = (lengths: readonly (number | 'auto')[]): number | 'auto' =>
  lengths.reduce((a, b) => (a === 'auto' || (b !== 'auto' && b > a) ? b : a))

const ofDrafts = (rows: readonly EvaluationRow[], drafts: readonly string[], length: number | 'auto'): Compared[] =>
  drafts.map((name) => ({ name, rows: rows.filter((row) => row.draft === name && row.draftLength === length) }))

/** Tasks, then all of them together where they are several. */
function groupsOf(rows: readonly EvaluationRow[]): string[] {
  const { tasks } = occurring(rows)
  const whole = rows.some(({ task }) => task === allTasks)
  return whole && tasks.length !== 1 ? [...tasks, allTasks] : tasks
}

const figureOf = (rows: readonly EvaluationRow[], task: string, key: keyof EvaluationRow): number | null =>
  (rows.find((row) => row.task === task)?.[key] as number | undefined) ?? null

function efficiency(title: string, compared: readonly Compared[]): Bars {
  const groups = groupsOf(compared.flatMap(({ rows }) => rows))
  const series = compared.map(({ rows, ...looking }) => ({
    ...looking,
    values: groups.map((task) => figureOf(rows, task, 'blockEfficiency')),
  }))
  return { title, x: 'task', y: 'tokens per target pass', groups, series }
}

function speed(title: string, compared: readonly Compared[], rows: readonly EvaluationRow[]): Bars {
  const groups = groupsOf(rows)
  const plain = groups.map((task) => figureOf(rows, task, 'plainTokensPerSecond'))
  const series = compared.map(({ rows, ...looking }) => ({
    ...looking,
    values: groups.map((task) => figureOf(rows, task, 'tokensPerSecond')),
  }))
  return {
    title,
    x: 'task',
    y: 'tokens per second',
    groups,
    series: [{ name: 'plain', look: plainLook.first, values: plain }, ...series],
    decimals: 0,
  }
}

/** Tokens per second over all tasks, for each draft length and way of sampling. */
function speedBySetting(evaluation: readonly EvaluationRow[]): Bars {
  const { drafts, draftLengths, temperatures } = occurring(evaluation)
  const over = evaluation.filter(({ task }) => task === allTasks)
  const settings = temperatures
    .flatMap((temperature) => draftLengths.map((length) => ({ temperature, length })))
    .filter(({ temperature, length }) =>
      over.some((row) => row.temperature === temperature && row.draftLength === length),
    )
  const at = (draft: string, { temperature, length }: (typeof settings)[number]) =>
    over.find((row) => row.draft === draft && row.temperature === temperature && row.draftLength === length)
  return {
    title: 'Tokens per second over all tasks',
    x: 'setting',
    y: 'tokens per second',
    groups: settings.map(({ temperature, length }) => `γ = ${length}, ${temperatureText(temperature)}`),
    series: [
      ...drafts.map((name) => ({
        name,
        values: settings.map((setting) => at(name, setting)?.tokensPerSecond ?? null),
      })),
      {
        name: 'plain',
        look: plainLook.last,
        values: settings.map((setting) => at(drafts[0]!, setting)?.plainTokensPerSecond ?? null),
      },
    ],
    decimals: 0,
  }
}

function byPosition(title: string, compared: readonly Compared[], id: string): Markup {
  const series = compared.map(({ rows, ...looking }) => {
    const { tasks } = occurring(rows)
    const row = rows.find(({ task }) => task === allTasks) ?? rows.find(({ task }) => task === tasks[0])
    return { ...looking, points: (row?.acceptanceRatePerPos ?? []).map((alpha, i) => [i + 1, alpha] as const) }
  })
  return lineChart({ title, x: 'position', y: 'α', series }, id.replace('.', '_'), { yFrom: 0 })
}
