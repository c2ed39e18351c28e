import { html, type Markup } from './html'

/** The values of a figure as a table, folded away: for those who cannot see it, or want the numbers. */
export const valueTable = (
  title: string,
  columns: readonly string[],
  rows: readonly (readonly [name: string, ...cells: string[]])[],
): Markup =>
  html`<details><summary>As a table</summary><div class="scroll" tabindex="0" role="region" aria-label="${title}: table"><table>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div></details>`
