import { count } from '../numbers'
import { completionView } from './completion'
import type { Curves, ReportData } from './data'
import { draftersTable, hasDrafters } from './drafters'
import { gains } from './gains'
import { html, Markup } from './html'
import { lineChart } from './line-chart'
import { occurring, resultsTable } from './results'
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
${data.headline && headline(data.headline)}
${section('What it gained', gains(data.evaluation))}
${data.completion && section('One answer, token by token', completionView(data.completion))}
${data.curves.length > 0 && section('Training', html`<div class="grid2">${data.curves.map((curves, i) => lineChart(withLooks(curves, data), `curve${i}`))}</div>`)}
${section('All results', resultsTable(data.evaluation, 'τ: tokens per pass of the target. α: the mean of Σ min(p, q) over the drafted positions; accepted/drafted counts those after a rejection as lost. MBSU: τ / (1 + cγ), c the ratio of parameters.'))}
${hasDrafters(data.evaluation) && section('By who drafted', draftersTable(data.evaluation))}
${data.notes.length > 0 && section('Remarks', html`<ul>${data.notes.map((note) => html`<li>${note}</li>`)}</ul>`)}
${section('Settings', settings(data))}
</main></body>
</html>
`.text
}

const section = (title: string, content: Markup): Markup => html`<section><h2>${title}</h2>${content}</section>`

const headline = (figures: NonNullable<ReportData['headline']>): Markup =>
  html`<dl class="headline">${figures.map(({ label, value, note }) => html`<div><dt>${label}</dt><dd>${value}</dd>${note && html`<dd class="soft">${note}</dd>`}</div>`)}</dl>`

/** A draft looks alike in every plot. */
const withLooks = (curves: Curves, { evaluation }: ReportData): Curves => {
  const { drafts } = occurring(evaluation)
  const look = (name: string) => (drafts.includes(name) ? drafts.indexOf(name) : undefined)
  return { ...curves, series: curves.series.map((series) => ({ look: look(series.name), ...series })) }
}

function settings({ settings: groups, models }: ReportData): Markup {
  return html`<div class="grid2"><div class="card"><h3>Models</h3><dl>${models.map(({ name, role, parameters, shape }) => html`<dt>${role}</dt><dd>${name}: ${count(parameters)} parameters, ${shape}</dd>`)}</dl></div>
${Object.entries(groups).map(
  ([title, values]) =>
    html`<div class="card"><h3>${title}</h3><dl>${Object.entries(values).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div>`,
)}</div>`
}
