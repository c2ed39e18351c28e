import { allTasks } from '../figures'
import { fixed } from '../numbers'
import type { EvaluationRow } from './data'
import { html, type Markup } from './html'

/** The results as a table, one row per draft, task, draft length and temperature; the best τ of each group in bold. */
export function resultsTable(rows: readonly EvaluationRow[], caption: string): Markup {
  const best = new Map<string, number>()
  // Among drafts; one alone is no best.
  for (const row of occurring(rows).drafts.length > 1 ? rows : [])
    best.set(groupOf(row), Math.max(best.get(groupOf(row)) ?? 0, row.blockEfficiency))
  return html`<p class="soft">${caption}</p>
<div class="scroll" tabindex="0" role="region" aria-label="All results"><table>
<thead><tr>${['Draft', 'Task', 'γ', 'Sampling', 'τ', 'α', 'Accepted/drafted', 'MBSU', 'Plain tok/s', 'Speculative tok/s', 'Speed-up', 'Share', 'Tokens a block', 'Needed', 'Pays'].map((title) => html`<th scope="col"${title === 'Task' && html` class="left"`}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr${row.blockEfficiency === best.get(groupOf(row)) && html` class="best"`}><td>${row.draft}</td><td class="left">${row.task}</td><td>${row.draftLength}</td><td>${temperatureText(row.temperature)}</td><td>${fixed(row.blockEfficiency)}</td><td>${fixed(row.acceptanceRate)}</td><td>${fixed(row.draftAcceptanceRate)}</td><td>${fixed(row.mbsu)}</td><td>${fixed(row.plainTokensPerSecond, 0)}</td><td>${fixed(row.tokensPerSecond, 0)}</td><td>${fixed(row.speedUp ?? 0)}×</td><td>${fixed(row.speedUpShare)}</td><td>${fixed(row.meanAcceptanceLength)}</td><td>${fixed(row.neededAcceptanceLength)}</td><td>${row.pays === null ? 'measuring' : row.pays ? 'yes' : 'no'}</td></tr>`,
  )}</tbody></table></div>`
}

export const temperatureText = (temperature: number): string => (temperature === 0 ? 'greedy' : `T = ${temperature}`)

/** The settings that occur, in the order of their first row. */
export function occurring(rows: readonly EvaluationRow[]): {
  drafts: string[]
  tasks: string[]
  draftLengths: (number | 'auto')[]
  temperatures: number[]
} {
  const unique = <T>(values: T[]) => [...new Set(values)]
  return {
    drafts: unique(rows.map(({ draft }) => draft)),
    tasks: unique(rows.map(({ task }) => task).filter((task) => task !== allTasks)),
    draftLengths: unique(rows.map(({ draftLength }) => draftLength)),
    temperatures: unique(rows.map(({ temperature }) => temperature)),
  }
}

const groupOf = ({ task, draftLength, temperature }: EvaluationRow): string => `${task}|${draftLength}|${temperature}`
