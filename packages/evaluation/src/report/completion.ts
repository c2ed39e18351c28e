import { drafterName } from '../drafters-text'
import type { Completion, CompletionToken } from './data'
import { html, type Markup } from './html'

const origins: Record<CompletionToken['origin'], string> = {
  accepted: 'drafted and accepted',
  corrected: 'corrected by the target',
  bonus: 'added by the target after a whole block',
  plain: 'decoded plainly',
}

/** The answers side by side, every token marked by where it came from. */
export function completionView({ prompt, answers }: Completion): Markup {
  const used = (['accepted', 'corrected', 'bonus'] as const).filter((origin) =>
    answers.some(({ tokens }) => tokens.some((token) => token.origin === origin)),
  )
  return html`<p><span class="soft">Prompt:</span> ${prompt}</p>
<p class="soft">${used.map((origin, i) => html`${i > 0 && ' · '}<span class="${origin}">&nbsp;${origins[origin]}&nbsp;</span>`)}</p>
<div class="grid2">${answers.map(
    ({ title, note, tokens }) =>
      html`<div class="card"><h3>${title}</h3><div class="soft">${note}</div><p class="tokens">${tokens.map(
        ({ text, origin, drafter = 'model' }) =>
          html`<span class="${origin}" title="${drafter === 'model' ? origins[origin] : `${drafterName(drafter)}, and accepted`}">${text}</span>`,
      )}</p></div>`,
  )}</div>`
}
