import type { Budget } from './budget'
import { TemplateFailure, typeError, UnsupportedInTemplate, valueError } from './failure'
import { formatFloat, formatInteger, padded } from './number-format'
import { escaped, representation, toText } from './python-text'
import { Dict, Markup, Range, Tuple, textOf, typeName, Undefined, type Value } from './values'

/** `text % values`, as Python formats it in the manner of C. */
export function formatPercent(budget: Budget, format: Value, values: Value): string {
  const isMarkup = format instanceof Markup
  let next = 0
  const items = values instanceof Tuple ? values.items : [values]
  const take = (): Value => {
    const value = items[next++]
    if (value === undefined) throw typeError('not enough arguments for format string')
    return value
  }
  let usesKeys = false
  const text = textOf(format)!
  let length = text.length
  // Each opening bracket may look through the rest for the one that closes it.
  budget.step(((text.split('%(').length - 1) * text.length) / 256)
  const out = text.replace(
    /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([\s\S]?)/g,
    (
      whole,
      key: string | undefined,
      flags: string,
      width: string | undefined,
      digits: string | undefined,
      kind: string,
    ) => {
      if (kind === '%') return '%'
      if (kind === '') throw valueError('incomplete format')
      if (width === '*' || digits === '*') throw new UnsupportedInTemplate('a width of * in a format')
      let value: Value
      if (key === undefined) value = take()
      else {
        usesKeys = true
        if (!(values instanceof Dict)) throw typeError('format requires a mapping')
        const found = values.get(key)
        if (found === undefined) throw new TemplateFailure(`'${key}'`, 'LookupError')
        value = found
      }
      const hasPoint = /\.\d*[hlL]?.$/s.test(whole)
      const precision = digits !== undefined ? Number(digits) : hasPoint ? 0 : undefined
      budget.hold(Number(width ?? 0) + (precision ?? 0))
      const made = convert(budget, kind, value, flags, precision, isMarkup)
      const wide = padded(
        made,
        Number(width ?? 0),
        flags.includes('-') ? '<' : '>',
        flags.includes('0') && isNumeric(kind) && !flags.includes('-'),
      )
      length += wide.length
      budget.hold(length)
      budget.through(wide.length)
      return wide
    },
  )
  if (!usesKeys && next < items.length && !isSubscriptable(values))
    throw typeError('not all arguments converted during string formatting')
  return out
}

/** Of these Python does not mind that nothing of them is asked for: they might be asked for by keys. */
const isSubscriptable = (values: Value): boolean =>
  Array.isArray(values) || [Dict, Range, Undefined].some((type) => values instanceof type)

const isNumeric = (kind: string): boolean => !'sra'.includes(kind)

function convert(
  budget: Budget,
  kind: string,
  value: Value,
  flags: string,
  precision: number | undefined,
  isMarkup: boolean,
): string {
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-'
  switch (kind) {
    case 's': {
      const text = isMarkup ? escaped(budget, value).text : toText(budget, value)
      return precision === undefined ? text : [...text].slice(0, precision).join('')
    }
    case 'r': {
      const text = representation(budget, value)
      return precision === undefined ? text : [...text].slice(0, precision).join('')
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      const number = typeof value === 'boolean' ? BigInt(value) : value
      if (typeof number !== 'bigint' && (typeof number !== 'number' || !'diu'.includes(kind)))
        throw typeError(`%${kind} format: a real number is required, not ${typeName(value)}`)
      const whole = typeof number === 'number' ? BigInt(Math.trunc(number)) : number
      const text = formatInteger(whole, 'iu'.includes(kind) ? 'd' : kind, sign, flags.includes('#'))
      const digits = text.replace(/^[-+ ]/, '')
      return precision === undefined
        ? text
        : text.slice(0, text.length - digits.length) + digits.padStart(precision, '0')
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': {
      const number = typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : value
      if (typeof number !== 'number') throw typeError(`must be real number, not ${typeName(value)}`)
      return formatFloat(number, kind, precision ?? 6, sign)
    }
    case 'c':
      if (typeof value === 'bigint' && value >= 0n && value <= 0x10ffffn) return String.fromCodePoint(Number(value))
      if (textOf(value) !== undefined && [...textOf(value)!].length === 1) return textOf(value)!
      throw typeError('%c requires int or char')
    default:
      throw valueError(`unsupported format character '${kind}'`)
  }
}
