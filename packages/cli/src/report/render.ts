import { count } from '../terminal'
import { barChart } from './bar-chart'
import { completionView } from './completion'
import { allTasks, type ReportData } from './data'
import { html, Markup } from './html'
import { lineChart } from './line-chart'
import { occurring, resultsTable, temperatureText } from './results'
import { style } from './style'

/**
 * The report as one HTML file that needs nothing else: styles and plots are inside, there is no script, and every text is
 * escaped.
 */
export function renderReport(data: ReportData): string {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'"><title>${data.title}</title><style>${new Markup(style)}</style></head>
<body><main>
<header><h1>${data.title}</h1><p class="lead">${data.lead}</p><p class="soft">${data.created} · ${data.adapter}</p></header>
${section('What it gained', gains(data))}
${data.completion && section('One answer, token by token', completionView(data.completion))}
${data.curves.length > 0 && section('Training', html`<div class="grid2">${data.curves.map((curves, i) => lineChart(curves, `curve${i}`))}</div>`)}
${section('All results', resultsTable(data.evaluation, 'τ: tokens per pass of the target. α: Σ min(p, q) at the drafted positions. MBSU: τ / (1 + cγ), c the ratio of parameters.'))}
${data.notes.length > 0 && section('Remarks', html`<ul>${data.notes.map((note) => html`<li>${note}</li>`)}</ul>`)}
${section('Settings', settings(data))}
</main></body>
</html>
`.text
}

const section = (title: string, content: Markup): Markup => html`<section><h2>${title}</h2>${content}</section>`

/** τ by draft × task for every γ and temperature, and α by position. */
function gains({ evaluation }: ReportData): Markup {
  const { drafts, tasks, draftLengths, temperatures } = occurring(evaluation)
  const groups =
    tasks.length > 1
      ? [...tasks, ...(evaluation.some(({ task }) => task === allTasks) ? [allTasks] : [])]
      : [...tasks, ...(tasks.length ? [] : [allTasks])]
  const bars = draftLengths.flatMap((draftLength) =>
    temperatures.map((temperature) =>
      barChart(
        {
          title: `Block efficiency τ at γ = ${draftLength}, ${temperature === 0 ? 'greedy' : `temperature ${temperature}`}`,
          y: 'tokens per target pass',
          groups,
          series: drafts.map((draft) => ({
            name: draft,
            values: groups.map(
              (task) =>
                evaluation.find(
                  (row) =>
                    row.draft === draft &&
                    row.task === task &&
                    row.draftLength === draftLength &&
                    row.temperature === temperature,
                )?.blockEfficiency ?? null,
            ),
          })),
        },
        `tau-${draftLength}-${String(temperature).replace('.', '_')}`,
      ),
    ),
  )
  const longest = Math.max(...draftLengths)
  const positions = temperatures.map((temperature) =>
    lineChart(
      {
        title: `Acceptance α by position in the block, γ = ${longest}, ${temperatureText(temperature)}`,
        x: 'position',
        y: 'α',
        series: drafts.map((name) => ({
          name,
          points: (
            evaluation.find(
              (row) =>
                row.draft === name &&
                row.task === groups.at(-1) &&
                row.draftLength === longest &&
                row.temperature === temperature,
            )?.acceptanceByPosition ?? []
          ).map((alpha, i) => [i + 1, alpha] as const),
        })),
      },
      `alpha-${String(temperature).replace('.', '_')}`,
      { yFrom: 0 },
    ),
  )
  return html`<div class="grid2">${bars}${positions}</div>`
}

function settings({ settings: groups, models }: ReportData): Markup {
  return html`<div class="grid2"><div class="card"><h3>Models</h3><dl>${models.map(({ name, role, parameters, shape }) => html`<dt>${role}</dt><dd>${name}: ${count(parameters)} parameters, ${shape}</dd>`)}</dl></div>
${Object.entries(groups).map(
  ([title, values]) =>
    html`<div class="card"><h3>${title}</h3><dl>${Object.entries(values).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div>`,
)}</div>`
}
