import { html, type Markup } from './html'

/** What has a place among the looks (colour and dash) of series: its own, or its number in the list. */
export interface Looking {
  name: string
  look?: number | undefined
}

export const looksOf = (series: readonly Looking[]): number[] => series.map(({ look }, i) => (look ?? i) % 6)

/** The names of series beside their colours, in the order of the series. */
export const legend = (series: readonly Looking[]): Markup =>
  html`<ul class="legend">${series.map(({ name }, i) => html`<li><span class="swatch s${looksOf(series)[i]!}" aria-hidden="true"></span>${name}</li>`)}</ul>`
