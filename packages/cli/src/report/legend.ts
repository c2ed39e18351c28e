import { html, type Markup } from './html'

/** The names of series beside their colours, in the order of the series. */
export const legend = (names: readonly string[]): Markup =>
  html`<ul class="legend">${names.map((name, i) => html`<li><span class="swatch s${i % 6}" aria-hidden="true"></span>${name}</li>`)}</ul>`
