import { bind, flagOf, intOf, stringOf } from './bind'
import { formatBraces, type Lookup } from './brace-format'
import type { Budget } from './budget'
import { typeError, UnsupportedInTemplate, valueError } from './failure'
import { padded } from './number-format'
import { toText } from './python-text'
import { characters, Dict, isFlat, itemsOf, type Kwargs, Tuple, textOf, typeName, type Value } from './values'

type Method = (budget: Budget, text: string, args: readonly Value[], kwargs: Kwargs, lookup: Lookup) => Value

/** White space as Python knows it. */
const blank = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const isBlankText = new RegExp(`^[${blank}]+$`)
const blankCharacter = new RegExp(`[${blank}]`)
const words = new RegExp(`[^${blank}]+`, 'g')

/** Cuts what is in `of` from the ends: white space where it is left out. */
export function stripped(text: string, of: string | undefined, sides: 'left' | 'right' | 'both'): string {
  const units = isFlat(text) ? text : [...text]
  const cut = of === undefined ? undefined : new Set(of)
  const isCut = (unit: string) => (cut ? cut.has(unit) : blankCharacter.test(unit))
  let [start, end] = [0, units.length]
  if (sides !== 'right') while (start < end && isCut(units[start]!)) start++
  if (sides !== 'left') while (end > start && isCut(units[end - 1]!)) end--
  return typeof units === 'string' ? units.slice(start, end) : units.slice(start, end).join('')
}

const strip =
  (name: string, sides: 'left' | 'right' | 'both'): Method =>
  (_, text, args, kwargs) => {
    const [of] = bind(name, ['/chars?'], args, kwargs)
    return stripped(text, of === undefined || of === null ? undefined : stringOf(of), sides)
  }

/** Words, cut at white space: at most `most` cuts, from the left or the right. */
function splitBlank(text: string, most: number, fromRight: boolean): string[] {
  if (most < 0) return text.match(words) ?? []
  const found: string[] = []
  let rest = stripped(text, undefined, fromRight ? 'right' : 'left')
  while (rest !== '' && found.length < most) {
    let at = fromRight ? rest.length : 0
    if (fromRight) while (at > 0 && !blankCharacter.test(rest[at - 1]!)) at--
    else while (at < rest.length && !blankCharacter.test(rest[at]!)) at++
    found.push(fromRight ? rest.slice(at) : rest.slice(0, at))
    rest = stripped(fromRight ? rest.slice(0, at) : rest.slice(at), undefined, fromRight ? 'right' : 'left')
  }
  if (rest !== '') found.push(rest)
  return fromRight ? found.reverse() : found
}

const split =
  (name: string, fromRight: boolean): Method =>
  (budget, text, args, kwargs) => {
    const [by, limit] = bind(name, ['sep?', 'maxsplit?'], args, kwargs)
    const most = intOf(limit, -1)
    budget.through(text.length)
    if (by === undefined || by === null) {
      if (most > 0) budget.step((text.length * Math.min(most, text.length)) / 256)
      return splitBlank(text, most, fromRight)
    }
    const separator = stringOf(by)
    if (separator === '') throw valueError('empty separator')
    budget.search(text, separator)
    const parts = text.split(separator)
    budget.make(parts.length)
    if (most < 0 || parts.length <= most + 1) return parts
    return fromRight
      ? [parts.slice(0, parts.length - most).join(separator), ...parts.slice(parts.length - most)]
      : [...parts.slice(0, most), parts.slice(most).join(separator)]
  }

const partition =
  (name: string, fromRight: boolean): Method =>
  (budget, text, args, kwargs) => {
    const separator = stringOf(bind(name, ['/sep'], args, kwargs)[0])
    if (separator === '') throw valueError('empty separator')
    budget.search(text, separator)
    const at = fromRight ? text.lastIndexOf(separator) : text.indexOf(separator)
    if (at < 0) return new Tuple(fromRight ? ['', '', text] : [text, '', ''])
    return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)])
  }

/** The part of a text that `start` and `end` name, and how many UTF-16 units and characters are before it. */
function range(text: string, start: Value | undefined, end: Value | undefined) {
  const length = characters(text)
  const clamp = (value: number) => Math.min(length, Math.max(0, value < 0 ? value + length : value))
  const first = intOf(start, 0, true)
  const from = clamp(first)
  const to = clamp(intOf(end, length, true))
  const isBeyond = first > length
  if (isFlat(text)) return { part: text.slice(from, Math.max(from, to)), from, isEmpty: to < from || isBeyond }
  return { part: [...text].slice(from, Math.max(from, to)).join(''), from, isEmpty: to < from || isBeyond }
}

const find =
  (name: string, fromRight: boolean, mustBeThere: boolean): Method =>
  (budget, text, args, kwargs) => {
    const [sub, start, end] = bind(name, ['/sub', '/start?', '/end?'], args, kwargs)
    const sought = stringOf(sub)
    const { part, from, isEmpty } = range(text, start, end)
    budget.search(part, sought)
    const at = isEmpty ? -1 : fromRight ? part.lastIndexOf(sought) : part.indexOf(sought)
    if (at >= 0) return BigInt(from + characters(part.slice(0, at)))
    if (mustBeThere) throw valueError('substring not found')
    return -1n
  }

const edge =
  (name: string, isAt: (part: string, affix: string) => boolean): Method =>
  (budget, text, args, kwargs) => {
    const [affix, start, end] = bind(name, ['/affix', '/start?', '/end?'], args, kwargs)
    const { part, isEmpty } = range(text, start, end)
    const affixes = affix instanceof Tuple ? affix.items : [affix!]
    return affixes.some((one) => {
      const sought = textOf(one)
      if (sought === undefined) throw typeError(`${name} first arg must be str or a tuple of str, not ${typeName(one)}`)
      budget.through(sought.length)
      return !isEmpty && isAt(part, sought)
    })
  }

const align =
  (name: string, how: '<' | '>' | '^'): Method =>
  (budget, text, args, kwargs) => {
    const [width, fill] = bind(name, ['/width', '/fillchar?'], args, kwargs)
    const filler = stringOf(fill, ' ')
    if (characters(filler) !== 1) throw typeError('The fill character must be exactly one character long')
    const size = intOf(width, 0)
    budget.make(Math.max(0, size))
    return how === '^' ? centred(text, size, filler) : padded(text, size, how, false, filler)
  }

/** In the middle, as str.center does it: of an odd margin the larger part is on the left where the width is odd. */
export function centred(text: string, width: number, fill = ' '): string {
  const margin = width - characters(text)
  if (margin <= 0) return text
  const left = Math.floor(margin / 2) + (margin & width & 1)
  return fill.repeat(left) + text + fill.repeat(margin - left)
}

const every =
  (name: string, pattern: RegExp): Method =>
  (budget, text, args, kwargs) => {
    bind(name, [], args, kwargs)
    budget.through(text.length)
    return pattern.test(text)
  }

/** Cased letters all of one case, and at least one. */
const cased =
  (name: string, other: RegExp, own: RegExp): Method =>
  (budget, text, args, kwargs) => {
    bind(name, [], args, kwargs)
    budget.through(text.length)
    return own.test(text) && !other.test(text)
  }

const mapped =
  (name: string, map: (text: string) => string): Method =>
  (budget, text, args, kwargs) => {
    bind(name, [], args, kwargs)
    budget.make(text.length)
    return map(text)
  }

const titleLetters: Readonly<Record<string, string>> = { Ǆ: 'ǅ', Ǉ: 'ǈ', Ǌ: 'ǋ', Ǳ: 'ǲ' }

/** A letter at the head of a word. */
function titled(character: string): string {
  const upper = character.toUpperCase()
  if (titleLetters[upper]) return titleLetters[upper]
  const [first = '', ...rest] = upper
  return first + rest.join('').toLowerCase()
}

export function capitalized(text: string): string {
  const [first = ''] = text
  return titled(first) + lowered(text.slice(first.length))
}

const lowered = (text: string): string => text.toLowerCase()

const isCased = /[\p{Lt}\p{Uppercase}\p{Lowercase}]/u

function titleOf(text: string): string {
  let out = ''
  let isWithin = false
  for (const character of text) {
    out += isWithin ? character.toLowerCase() : titled(character)
    isWithin = isCased.test(character)
  }
  return out
}

function isTitle(text: string): boolean {
  let [isWithin, hasWord] = [false, false]
  for (const character of text) {
    const isUpper = /[\p{Lu}\p{Lt}]/u.test(character)
    if (isUpper ? isWithin : /\p{Ll}/u.test(character) && !isWithin) return false
    isWithin = isCased.test(character)
    hasWord ||= isWithin
  }
  return hasWord
}

const swapped = (text: string): string =>
  Array.from(text, (c) => (/\p{Lu}|\p{Lt}/u.test(c) ? c.toLowerCase() : c.toUpperCase())).join('')

/** Without the difference of case; ı, which has no other case to be found by, stays. */
const folded = (text: string): string =>
  Array.from(text, (c) => (c === 'ı' ? c : c.toUpperCase().toLowerCase()))
    .join('')
    .replaceAll('ς', 'σ')

export function replaced(budget: Budget, text: string, old: string, by: string, most: number): string {
  budget.search(text, old)
  const parts = old === '' ? ['', ...text, ''] : text.split(old)
  const count = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1)
  budget.make(text.length + count * (by.length - old.length))
  if (count === parts.length - 1) return parts.join(by)
  const head = parts.slice(0, count + 1).join(by)
  return [head, ...parts.slice(count + 1)].join(old)
}

const lineEnd = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029'
const lineEnds = new RegExp(`\\r\\n|[${lineEnd}]`, 'g')

export function linesOf(text: string, withEnds = false): string[] {
  const lines: string[] = []
  let start = 0
  for (const { 0: end, index } of text.matchAll(lineEnds)) {
    lines.push(text.slice(start, withEnds ? index + end.length : index))
    start = index + end.length
  }
  if (start < text.length) lines.push(text.slice(start))
  return lines
}

function expandTabs(text: string, size: number): string {
  let column = 0
  let out = ''
  for (const character of text) {
    if (character === '\t') {
      const blanks = size > 0 ? size - (column % size) : 0
      out += ' '.repeat(blanks)
      column += blanks
    } else {
      out += character
      column = character === '\n' || character === '\r' ? 0 : column + 1
    }
  }
  return out
}

export function joinTexts(budget: Budget, separator: string, items: readonly string[]): string {
  const length = items.reduce((sum, item) => sum + item.length, separator.length * Math.max(0, items.length - 1))
  budget.make(length)
  return items.join(separator)
}

const unsupported =
  (name: string): Method =>
  () => {
    throw new UnsupportedInTemplate(`the method ${name} of text`)
  }

/** Every method that Python 3.11 has for text. */
export const textMethods: Readonly<Record<string, Method>> = {
  capitalize: mapped('capitalize', capitalized),
  casefold: mapped('casefold', folded),
  center: align('center', '^'),
  count(budget, text, args, kwargs) {
    const [sub, start, end] = bind('count', ['/sub', '/start?', '/end?'], args, kwargs)
    const sought = stringOf(sub)
    const { part, isEmpty } = range(text, start, end)
    if (isEmpty) return 0n
    budget.search(part, sought)
    return BigInt(sought === '' ? characters(part) + 1 : part.split(sought).length - 1)
  },
  encode: unsupported('encode'),
  endswith: edge('endswith', (part, affix) => part.endsWith(affix)),
  expandtabs(budget, text, args, kwargs) {
    const size = intOf(bind('expandtabs', ['tabsize?'], args, kwargs)[0], 8)
    budget.make(text.length + (text.split('\t').length - 1) * Math.max(0, size))
    return expandTabs(text, size)
  },
  find: find('find', false, false),
  format: formatBraces,
  format_map(budget, text, args, kwargs, lookup) {
    const [values] = bind('format_map', ['/mapping'], args, kwargs)
    if (!(values instanceof Dict)) throw typeError('format_map() takes a mapping')
    const named = new Map(values.entries().map(([key, value]) => [toText(budget, key), value]))
    return formatBraces(budget, text, [], named, lookup)
  },
  index: find('index', false, true),
  isalnum: every('isalnum', /^[\p{L}\p{Nd}\p{No}\p{Nl}]+$/u),
  isalpha: every('isalpha', /^\p{L}+$/u),
  isascii: every('isascii', /^\p{ASCII}*$/u),
  isdecimal: every('isdecimal', /^\p{Nd}+$/u),
  isdigit: every('isdigit', /^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u),
  isidentifier: every('isidentifier', /^[\p{ID_Start}_]\p{ID_Continue}*$/u),
  islower: cased('islower', /[\p{Uppercase}\p{Lt}]/u, /\p{Lowercase}/u),
  isnumeric: every('isnumeric', /^[\p{N}〇一二三四五六七八九十百千万億兆]+$/u),
  isprintable: every('isprintable', /^(?:[^\p{C}\p{Z}]| )*$/u),
  isspace: every('isspace', isBlankText),
  istitle(budget, text, args, kwargs) {
    bind('istitle', [], args, kwargs)
    budget.through(text.length)
    return isTitle(text)
  },
  isupper: cased('isupper', /[\p{Lowercase}\p{Lt}]/u, /\p{Uppercase}/u),
  join(budget, text, args, kwargs) {
    const [items] = bind('join', ['/iterable'], args, kwargs)
    const texts = itemsOf(items!).map((item, i) => {
      const one = textOf(item)
      if (one === undefined) throw typeError(`sequence item ${i}: expected str instance, ${typeName(item)} found`)
      return one
    })
    return joinTexts(budget, text, texts)
  },
  ljust: align('ljust', '<'),
  lower: mapped('lower', lowered),
  lstrip: strip('lstrip', 'left'),
  maketrans: unsupported('maketrans'),
  partition: partition('partition', false),
  removeprefix(_, text, args, kwargs) {
    const prefix = stringOf(bind('removeprefix', ['/prefix'], args, kwargs)[0])
    return text.startsWith(prefix) ? text.slice(prefix.length) : text
  },
  removesuffix(_, text, args, kwargs) {
    const suffix = stringOf(bind('removesuffix', ['/suffix'], args, kwargs)[0])
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text
  },
  replace(budget, text, args, kwargs) {
    const [old, by, count] = bind('replace', ['/old', '/new', '/count?'], args, kwargs)
    return replaced(budget, text, stringOf(old), stringOf(by), intOf(count, -1))
  },
  rfind: find('rfind', true, false),
  rindex: find('rindex', true, true),
  rjust: align('rjust', '>'),
  rpartition: partition('rpartition', true),
  rsplit: split('rsplit', true),
  rstrip: strip('rstrip', 'right'),
  split: split('split', false),
  splitlines(budget, text, args, kwargs) {
    const [keepEnds] = bind('splitlines', ['keepends?'], args, kwargs)
    budget.through(text.length)
    return linesOf(text, flagOf(keepEnds))
  },
  startswith: edge('startswith', (part, affix) => part.startsWith(affix)),
  strip: strip('strip', 'both'),
  swapcase: mapped('swapcase', swapped),
  title: mapped('title', titleOf),
  translate: unsupported('translate'),
  upper: mapped('upper', (text) => text.toUpperCase()),
  zfill(budget, text, args, kwargs) {
    const width = intOf(bind('zfill', ['/width'], args, kwargs)[0], 0)
    budget.make(Math.max(0, width))
    return padded(text, width, '=', false, '0')
  },
}
