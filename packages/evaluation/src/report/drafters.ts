import { drafterName } from '../drafters-text'
import { fixed } from '../numbers'
import type { EvaluationRow } from './data'
import { html, type Markup } from './html'
import { temperatureText } from './results'

/** Whether somebody else than a model drafted, so that there is something to tell apart. */
export const hasDrafters = (rows: readonly EvaluationRow[]): boolean =>
  rows.some(({ drafters }) => drafters.some(({ drafter }) => drafter !== 'model'))

/** Who drafted, a row for each drafter of each result. */
export const draftersTable = (rows: readonly EvaluationRow[]): Markup =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="By who drafted"><table>
<thead><tr>${['Draft', 'Task', 'γ', 'Sampling', 'Drafted', 'Blocks', 'Accepted/drafted', 'Tokens a block'].map((title) => html`<th scope="col"${['Task', 'Drafted'].includes(title) && html` class="left"`}>${title}</th>`)}</tr></thead>
<tbody>${rows.flatMap(({ draft, task, draftLength, temperature, drafters }) =>
    drafters.map(
      ({ drafter, numDrafts, numAcceptedTokens, numDraftTokens, meanAcceptanceLength }) =>
        html`<tr><td>${draft}</td><td class="left">${task}</td><td>${draftLength}</td><td>${temperatureText(temperature)}</td><td class="left">${drafterName(drafter)}</td><td>${numDrafts}</td><td>${numAcceptedTokens}/${numDraftTokens}</td><td>${fixed(meanAcceptanceLength)}</td></tr>`,
    ),
  )}</tbody></table></div>`
