/** Markup that is already safe. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text
  }
}

type Value = Markup | string | number | readonly Value[] | undefined | null | false

/** Markup from a template: every value in it is escaped, except markup; lists are joined, nothing stands for nothing. */
export const html = (strings: TemplateStringsArray, ...values: Value[]): Markup =>
  new Markup(strings.map((text, i) => text + (i < values.length ? markupOf(values[i]) : '')).join(''))

function markupOf(value: Value): string {
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(markupOf).join('')
  if (value === undefined || value === null || value === false) return ''
  return escapeText(String(value))
}

/** Text that is safe as an element's content and within a quoted attribute. Control characters become the replacement sign. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(controls, '\ufffd')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach the page
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g
