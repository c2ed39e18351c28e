import { withoutTags } from './attributes'
import { bind, flagOf, intOf, stringOf } from './bind'
import { TemplateFailure, typeError, valueError } from './failure'
import type { Filter } from './filters'
import { toJson } from './json-text'
import { formatPercent } from './percent-format'
import { escaped, toText } from './python-text'
import { capitalized, centred, linesOf, replaced, stripped } from './text-methods'
import { characters, Dict, isIterable, itemsOf, lengthOf, Markup, Tuple, textOf, Undefined, type Value } from './values'

type TextOnly = (text: string) => string

/** A filter without arguments that takes any value as its text. */
const mapped =
  (name: string, map: TextOnly): Filter =>
  ({ budget }, value, args, kwargs) => {
    bind(name, [], args, kwargs)
    const text = toText(budget, value)
    budget.make(text.length)
    const made = map(text)
    return value instanceof Markup ? new Markup(made) : made
  }

const escapeHtml: Filter = ({ budget }, value, args, kwargs) => {
  bind('escape', [], args, kwargs)
  const made = escaped(budget, value)
  budget.make(made.text.length)
  return made
}

/** The first letter of each word, which begins after blanks, hyphens and opening brackets. */
const title = (text: string): string =>
  text
    .split(/([-\s({[<]+)/)
    .map((item) => {
      const [first = ''] = item
      return first.toUpperCase() + item.slice(first.length).toLowerCase()
    })
    .join('')

/** As urllib.parse.quote; in a query a blank is a plus, and a slash is quoted. */
function quoteUrl(text: string, inQuery: boolean): string {
  const bytes = new TextEncoder().encode(text)
  const quoted = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte)
    if (/[A-Za-z0-9_.~-]/.test(character) || (character === '/' && !inQuery)) return character
    if (character === ' ' && inQuery) return '+'
    return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  return quoted.join('')
}

/** Filters that make text. */
export const textFilters: Readonly<Record<string, Filter>> = {
  capitalize: mapped('capitalize', capitalized),
  center({ budget }, value, args, kwargs) {
    const width = intOf(bind('center', ['width?'], args, kwargs)[0], 80)
    budget.make(Math.max(0, width))
    return centred(toText(budget, value), width)
  },
  e: escapeHtml,
  escape: escapeHtml,
  forceescape: (runtime, value, args, kwargs) => escapeHtml(runtime, toText(runtime.budget, value), args, kwargs),
  format({ budget }, value, args, kwargs) {
    if (args.length > 0 && kwargs.size > 0)
      throw typeError("can't handle positional and keyword arguments at the same time")
    const text = textOf(value) === undefined ? toText(budget, value) : value
    return formatPercent(budget, text, kwargs.size > 0 ? new Dict(kwargs) : new Tuple(args))
  },
  indent({ budget }, value, args, kwargs) {
    const [width = 4n, first, blank] = bind('indent', ['width?', 'first?', 'blank?'], args, kwargs)
    const text = textOf(value)
    if (value instanceof Undefined) throw value.fail()
    if (text === undefined) throw typeError('indent takes a text')
    const wide = textOf(width)
    const columns = wide === undefined ? Math.max(0, intOf(width, 4)) : wide.length
    const lines = linesOf(`${text}\n`)
    budget.make(text.length + (columns + 1) * (lines.length + 1))
    const indention = wide ?? ' '.repeat(columns)
    const keepsBlank = flagOf(blank)
    const [head = '', ...rest] = lines
    const body = rest.map((line) => `\n${line !== '' || keepsBlank ? indention : ''}${line}`).join('')
    const made = (flagOf(first) ? indention : '') + head + body
    return value instanceof Markup ? new Markup(made) : made
  },
  lower: mapped('lower', (text) => text.toLowerCase()),
  replace({ budget }, value, args, kwargs) {
    const [old, by, count] = bind('replace', ['old', 'new', 'count?'], args, kwargs)
    const text = toText(budget, value)
    return replaced(budget, text, toText(budget, old!), toText(budget, by!), intOf(count, -1, true))
  },
  safe: ({ budget }, value) => new Markup(toText(budget, value)),
  string: ({ budget }, value) => (value instanceof Markup ? value : toText(budget, value)),
  striptags({ budget }, value) {
    const text = toText(budget, value)
    budget.make(text.length)
    return withoutTags(text)
  },
  title: mapped('title', title),
  tojson: ({ budget }, value, args, kwargs) => toJson(budget, value, args, kwargs),
  trim({ budget }, value, args, kwargs) {
    const [of] = bind('trim', ['chars?'], args, kwargs)
    const text = toText(budget, value)
    budget.through(text.length)
    const made = stripped(text, of === undefined || of === null ? undefined : stringOf(of), 'both')
    return value instanceof Markup ? new Markup(made) : made
  },
  truncate({ budget }, value, args, kwargs) {
    const [limit, kill, ending, slack] = bind('truncate', ['length?', 'killwords?', 'end?', 'leeway?'], args, kwargs)
    const text = textOf(value)
    const length = intOf(limit, 255)
    const end = stringOf(ending, '...')
    const leeway = intOf(slack, 5, true)
    if (length < characters(end) || leeway < 0) throw valueError(`expected length >= ${characters(end)}, got ${length}`)
    const size = lengthOf(value)
    if (size !== undefined && size <= length + leeway) return value
    if (text === undefined) throw typeError('truncate takes a text')
    budget.through(text.length)
    const cut = [...text].slice(0, length - characters(end)).join('')
    if (flagOf(kill)) return cut + end
    const at = cut.lastIndexOf(' ')
    return (at < 0 ? cut : cut.slice(0, at)) + end
  },
  upper: mapped('upper', (text) => text.toUpperCase()),
  urlencode({ budget }, value) {
    const text = textOf(value)
    if (text !== undefined || !isIterable(value)) {
      const plain = text ?? toText(budget, value)
      budget.make(3 * plain.length)
      return quoteUrl(plain, false)
    }
    const pairs: readonly (readonly Value[])[] =
      value instanceof Dict ? value.entries() : itemsOf(value).map((pair) => itemsOf(pair))
    const made = pairs.map((pair) => {
      budget.make(3 * pair.reduce<number>((sum, part) => sum + toText(budget, part).length, 0))
      if (pair.length !== 2) throw valueError('not enough values to unpack (expected 2)')
      return pair.map((part) => quoteUrl(toText(budget, part), true)).join('=')
    })
    return made.join('&')
  },
  wordcount({ budget }, value) {
    const text = toText(budget, value)
    budget.through(text.length)
    return BigInt(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)
  },
  xmlattr({ budget }, value, args, kwargs) {
    const [autospace] = bind('xmlattr', ['autospace?'], args, kwargs)
    if (!(value instanceof Dict)) throw new TemplateFailure('xmlattr takes a mapping', 'TypeError')
    let length = 0
    const items = value.entries().flatMap(([key, item]) => {
      if (item === null || item instanceof Undefined) return []
      const name = stringOf(key)
      if (/[\t-\r />=]/.test(name)) throw valueError(`Invalid character in attribute name: '${name}'`)
      const made = `${escaped(budget, name).text}="${escaped(budget, item).text}"`
      length += made.length
      budget.make(length)
      return [made]
    })
    const made = items.join(' ')
    return flagOf(autospace, true) && made !== '' ? ` ${made}` : made
  },
}
