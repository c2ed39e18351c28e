import type { Budget } from './budget'
import { TemplateFailure, typeError, UnsupportedInTemplate, valueError } from './failure'
import { formatFloat, formatInteger, padded } from './number-format'
import { floatText, representation, toText } from './python-text'
import { type Kwargs, textOf, typeName, Undefined, type Value } from './values'

/** How values are asked for what they have: attributes.ts, which stands above this. */
export interface Lookup {
  getAttribute(budget: Budget, value: Value, name: string): Value
  getItem(budget: Budget, value: Value, index: Value): Value
}

/** `text.format(…)`, as Python formats it, fields of fields included. */
export function formatBraces(
  budget: Budget,
  text: string,
  args: readonly Value[],
  kwargs: Kwargs,
  { getAttribute, getItem }: Lookup,
): string {
  let automatic = 0
  const fieldValue = (field: string): Value => {
    const [head = ''] = /^[^.[]*/.exec(field) ?? []
    let value: Value | undefined
    if (head === '' || /^\d+$/.test(head)) value = args[head === '' ? automatic++ : Number(head)]
    else value = kwargs.get(head)
    if (value === undefined)
      throw new TemplateFailure(
        /^\d*$/.test(head) ? 'Replacement index out of range for positional args tuple' : `'${head}'`,
        'LookupError',
      )
    for (const [, attribute, item] of field.slice(head.length).matchAll(/\.([^.[]+)|\[([^\]]*)\]/g))
      value =
        attribute !== undefined
          ? getAttribute(budget, value, attribute)
          : getItem(budget, value, /^\d+$/.test(item!) ? BigInt(item!) : item!)
    return value
  }
  const expand = (source: string, depth: number): string => {
    if (depth < 0) throw valueError('Max string recursion exceeded')
    let out = ''
    for (let at = 0; at < source.length; ) {
      const character = source[at]!
      if ((character === '{' || character === '}') && source[at + 1] === character) {
        out += character
        at += 2
      } else if (character === '}') throw valueError("Single '}' encountered in format string")
      else if (character === '{') {
        const end = closing(source, at)
        const [, field = '', conversion, spec = ''] =
          /^([^!:]*)(?:!([^:]*))?(?::([\s\S]*))?$/.exec(source.slice(at + 1, end)) ?? []
        const value = converted(budget, fieldValue(field), conversion)
        const made = formatValue(budget, value, spec.includes('{') ? expand(spec, depth - 1) : spec)
        budget.make(out.length + made.length)
        out += made
        at = end + 1
      } else {
        out += character
        at++
      }
    }
    return out
  }
  budget.make(text.length)
  return expand(text, 2)
}

function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return at
  }
  throw valueError("expected '}' before end of string")
}

function converted(budget: Budget, value: Value, conversion: string | undefined): Value {
  if (conversion === undefined) return value
  if (conversion === 's') return toText(budget, value)
  if (conversion === 'r') return representation(budget, value)
  throw new UnsupportedInTemplate(`the conversion !${conversion} of a format`)
}

/** A value by a format specification, as Python's `format`. */
function formatValue(budget: Budget, value: Value, spec: string): string {
  if (spec === '') return toText(budget, value)
  const match = /^(?:([\s\S])?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u.exec(spec)
  if (!match) throw valueError('Invalid format specifier')
  const [, fill = ' ', alignment, sign = '-', prefix, zero, width, grouping, digits, kind] = match
  budget.hold(Number(width ?? 0) + Number(digits ?? 0))
  const withZeros = zero !== undefined && alignment === undefined
  const precision = digits === undefined ? undefined : Number(digits)
  const fit = (text: string, natural: string) =>
    padded(text, Number(width ?? 0), alignment ?? natural, withZeros, zero !== undefined && fill === ' ' ? '0' : fill)
  const text = textOf(value)
  if (text !== undefined) {
    if (kind !== undefined && kind !== 's') throw valueError(`Unknown format code '${kind}' for object of type 'str'`)
    if (sign !== '-' || grouping || alignment === '=') throw valueError('not allowed in string format specifier')
    const cut = precision === undefined ? text : [...text].slice(0, precision).join('')
    return padded(cut, Number(width ?? 0), alignment ?? '<', false, withZeros ? '0' : fill)
  }
  const number = typeof value === 'boolean' && kind !== undefined ? BigInt(value) : value
  if (typeof number === 'bigint' && (kind === undefined || 'bdoxXn'.includes(kind))) {
    if (precision !== undefined) throw valueError('Precision not allowed in integer format specifier')
    return fit(grouped(formatInteger(number, kind ?? 'd', sign, prefix !== undefined), grouping), '>')
  }
  if (typeof number === 'bigint' || typeof number === 'number') {
    if (kind !== undefined && !'eEfFgG%'.includes(kind))
      throw valueError(`Unknown format code '${kind}' for object of type '${typeName(value)}'`)
    const real = Number(number)
    let made: string
    if (kind !== undefined) made = formatFloat(real, kind, precision ?? 6, sign)
    else if (precision === undefined) made = (real >= 0 && sign !== '-' ? sign : '') + floatText(real)
    else made = withPoint(formatFloat(real, 'g', precision, sign))
    return fit(grouped(made, grouping), '>')
  }
  if (value instanceof Undefined) throw typeError('unsupported format string passed to Undefined.__format__')
  throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`)
}

const withPoint = (text: string): string => (/[.en]/.test(text) ? text : `${text}.0`)

const grouped = (text: string, by: string | undefined): string =>
  by === undefined ? text : text.replace(/\d+/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, by))
