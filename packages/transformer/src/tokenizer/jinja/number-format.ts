import { UnsupportedInTemplate } from './failure'

/** An int in the base of d, b, o, x or X. */
export function formatInteger(value: bigint, kind: string, sign: string, withPrefix = false): string {
  const base = { b: 2, o: 8, x: 16, X: 16 }[kind] ?? 10
  const digits = (value < 0n ? -value : value).toString(base)
  const prefix = withPrefix && base !== 10 ? `0${kind}` : ''
  return signOf(value < 0n, sign) + prefix + (kind === 'X' ? digits.toUpperCase() : digits)
}

/** A float as e, f, g or % of printf, rounded half to even at its exact value. */
export function formatFloat(value: number, kind: string, precision: number, sign: string): string {
  const isNegative = value < 0 || Object.is(value, -0)
  const size = Math.abs(value)
  let text: string
  if (Number.isNaN(size)) text = 'nan'
  else if (!Number.isFinite(size)) text = 'inf'
  else if (kind === '%') text = `${fixed(size * 100, precision)}%`
  else if (/f/i.test(kind)) text = fixed(size, precision)
  else if (/e/i.test(kind)) text = scientific(size, precision)
  else text = general(size, Math.max(1, precision))
  return signOf(isNegative, sign) + (/[EFG]/.test(kind) ? text.toUpperCase() : text)
}

const signOf = (isNegative: boolean, sign: string): string => (isNegative ? '-' : sign === '-' ? '' : sign)

/** Decimal digits of a float are at most 1,074 after the point, and exact. */
export function fixed(value: number, precision: number): string {
  if (precision > 100) throw new UnsupportedInTemplate('a precision of more than 100 digits')
  if (value >= 1e21) return BigInt(value).toString() + (precision > 0 ? `.${'0'.repeat(precision)}` : '')
  // toFixed takes the larger of two that are as near; Python the even one. Such ties end within 52 digits.
  const text = value.toFixed(precision)
  if (precision >= 53) return text
  const exact = value.toFixed(Math.min(100, precision + 54))
  const at = exact.length - Math.min(100 - precision, 54)
  if (!/^50*$/.test(exact.slice(at))) return text
  const cut = exact.slice(0, at).replace(/\.$/, '')
  return Number(cut.at(-1)) % 2 === 0 ? cut : text
}

function scientific(value: number, precision: number): string {
  if (precision > 100) throw new UnsupportedInTemplate('a precision of more than 100 digits')
  const [mantissa = '', power = ''] = value.toExponential(precision).split('e')
  return `${mantissa}e${power[0]}${power.slice(1).padStart(2, '0')}`
}

function general(value: number, precision: number): string {
  if (value === 0) return '0'
  const exponent = Number(value.toExponential(Math.min(100, precision - 1)).split('e')[1])
  const bare = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  if (exponent >= -4 && exponent < precision) return bare(fixed(value, Math.min(100, precision - 1 - exponent)))
  const [mantissa = '', power = ''] = scientific(value, precision - 1).split('e')
  return `${bare(mantissa)}e${power}`
}

/** Text to a width: to the left, the right, the middle, or with zeros after its sign. */
export function padded(text: string, width: number, align: string, withZeros = false, fill = ' '): string {
  const missing = width - [...text].length
  if (missing <= 0) return text
  if (withZeros || align === '=') {
    const [sign = ''] = /^[-+ ]?(0[xXob])?/.exec(text) ?? []
    return sign + (withZeros ? '0' : fill).repeat(missing) + text.slice(sign.length)
  }
  if (align === '<') return text + fill.repeat(missing)
  if (align === '^') return fill.repeat(Math.floor(missing / 2)) + text + fill.repeat(Math.ceil(missing / 2))
  return fill.repeat(missing) + text
}
