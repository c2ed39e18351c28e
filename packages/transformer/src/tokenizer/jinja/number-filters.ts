import { bind, flagOf, intOf, stringOf } from './bind'
import type { Budget } from './budget'
import { TemplateFailure, typeError } from './failure'
import type { Filter } from './filters'
import { fixed } from './number-format'
import { numberOf } from './operators'
import { textOf, typeName, Undefined, type Value } from './values'

/** The int that Python's int() reads in a text; undefined where it reads none. */
function intIn(budget: Budget, text: string, base: number): bigint | undefined {
  const [, sign, prefix, digits] = /^([-+]?)(0[xob])?([\da-z]+(?:_[\da-z]+)*)$/i.exec(text.trim()) ?? []
  if (digits === undefined) return undefined
  budget.makeBits(digits.length * 4)
  const named = { '0x': 16, '0o': 8, '0b': 2 }[prefix?.toLowerCase() ?? '']
  if (prefix !== undefined && named !== base && base !== 0) return undefined
  if (prefix === undefined && base === 0 && /^0+[1-9]/.test(digits)) return undefined
  const radix = named ?? (base === 0 ? 10 : base)
  const plain = digits.replaceAll('_', '').toLowerCase()
  let value = 0n
  for (const digit of plain) {
    const worth = Number.parseInt(digit, 36)
    if (Number.isNaN(worth) || worth >= radix) return undefined
    value = value * BigInt(radix) + BigInt(worth)
  }
  return sign === '-' ? -value : value
}

/** The float that Python's float() reads in a text. */
function floatIn(text: string): number | undefined {
  const plain = text.trim().replace(/(?<=\d)_(?=\d)/g, '')
  if (/^[-+]?(\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return Number(plain)
  const [, sign, word] = /^([-+]?)(inf|infinity|nan)$/i.exec(plain) ?? []
  if (word === undefined) return undefined
  return word.toLowerCase() === 'nan' ? Number.NaN : sign === '-' ? -Infinity : Infinity
}

const wholeOf = (value: number | undefined, fallback: Value): Value =>
  value !== undefined && Number.isFinite(value) ? BigInt(Math.trunc(value)) : fallback

/** Half to even, at the exact value; `digits` may be negative. */
export function rounded(value: bigint | number, digits: number): bigint | number {
  if (typeof value === 'bigint') {
    if (digits >= 0) return value
    const unit = 10n ** BigInt(Math.min(400, -digits))
    const rest = ((value % unit) + unit) % unit
    const down = value - rest
    const isUp = rest * 2n > unit || (rest * 2n === unit && (down / unit) % 2n !== 0n)
    return isUp ? down + unit : down
  }
  if (!Number.isFinite(value)) return value
  if (digits < 0) {
    const unit = 10 ** -digits
    return Number(rounded(BigInt(Math.trunc(value / unit)), 0)) * unit + nearest((value / unit) % 1) * unit
  }
  if (digits > 100) return value
  const size = Number(fixed(Math.abs(value), digits))
  return value < 0 || Object.is(value, -0) ? -size : size
}

/** A fraction of one to 0 or ±1. */
const nearest = (fraction: number): number => (Math.abs(fraction) > 0.5 ? Math.sign(fraction) : 0)

/** Filters that are about numbers. */
export const numberFilters: Readonly<Record<string, Filter>> = {
  abs(_, value) {
    if (value instanceof Undefined) throw value.fail()
    const number = numberOf(value)
    if (number === undefined) throw typeError(`bad operand type for abs(): '${typeName(value)}'`)
    return number < 0 ? -number : typeof number === 'number' ? Math.abs(number) : number
  },
  filesizeformat({ budget }, value, args, kwargs) {
    const binary = flagOf(bind('filesizeformat', ['binary?'], args, kwargs)[0])
    if (value instanceof Undefined) throw value.fail()
    const text = textOf(value)
    budget.through(text?.length ?? 1)
    const size = text === undefined ? Number(numberOf(value) ?? Number.NaN) : floatIn(text)
    if (size === undefined || Number.isNaN(size)) throw typeError('could not convert the value to float')
    const base = binary ? 1024 : 1000
    if (size === 1) return '1 Byte'
    if (size < base) return `${Math.trunc(size)} Bytes`
    const prefixes = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']
    const found = prefixes.findIndex((_, i) => size < base ** (i + 2))
    const place = found < 0 ? prefixes.length - 1 : found
    const prefix = prefixes[place]!
    return `${fixed((base * size) / base ** (place + 2), 1)} ${binary ? `${prefix.toUpperCase()}iB` : `${prefix}B`}`
  },
  float({ budget }, value, args, kwargs) {
    const [fallback = 0] = bind('float', ['default?'], args, kwargs)
    if (value instanceof Undefined) throw value.fail()
    const text = textOf(value)
    budget.through(text?.length ?? 1)
    if (text !== undefined) return floatIn(text) ?? fallback
    const number = numberOf(value)
    return number === undefined ? fallback : Number(number)
  },
  int({ budget }, value, args, kwargs) {
    const [fallback = 0n, base] = bind('int', ['default?', 'base?'], args, kwargs)
    if (value instanceof Undefined) throw value.fail()
    const text = textOf(value)
    if (text !== undefined) {
      budget.through(text.length)
      return intIn(budget, text, intOf(base, 10)) ?? wholeOf(floatIn(text), fallback)
    }
    const number = numberOf(value)
    if (typeof number === 'bigint') return number
    if (number !== undefined && !Number.isFinite(number) && !Number.isNaN(number))
      throw new TemplateFailure('cannot convert float infinity to integer', 'ValueError')
    return wholeOf(number, fallback)
  },
  round(_, value, args, kwargs) {
    const [precision, how] = bind('round', ['precision?', 'method?'], args, kwargs)
    const method = stringOf(how, 'common')
    if (value instanceof Undefined) throw value.fail()
    if (!['common', 'ceil', 'floor'].includes(method)) throw typeError('method must be common, ceil or floor')
    const number = numberOf(value)
    if (number === undefined) throw typeError(`type ${typeName(value)} doesn't define __round__ method`)
    const digits = intOf(precision, 0)
    if (method === 'common') return rounded(number, digits)
    const scale = 10 ** digits
    return Math[method as 'ceil' | 'floor'](Number(number) * scale) / scale
  },
}
