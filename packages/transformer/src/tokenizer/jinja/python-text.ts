import type { Budget } from './budget'
import { UnsupportedInTemplate } from './failure'
import { Dict, Markup, Namespace, Range, Tuple, typeName, Undefined, type Value, View } from './values'

/** A value written out, as Python's `str`. */
export function toText(budget: Budget, value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Markup) return value.text
  if (value instanceof Undefined) return ''
  return representation(budget, value)
}

/** A value as Python's `repr` writes it. */
export function representation(budget: Budget, value: Value): string {
  const writer = new Writer(budget)
  write(writer, value)
  return writer.pieces.join('')
}

class Writer {
  readonly pieces: string[] = []
  #length = 0

  constructor(readonly budget: Budget) {}

  put = (piece: string) => {
    this.#length += piece.length
    this.budget.hold(this.#length)
    this.budget.step(1 + piece.length / 16)
    this.pieces.push(piece)
  }
}

function write(writer: Writer, value: Value): void {
  const { budget, put } = writer
  const list = (open: string, items: readonly Value[], close: string) =>
    budget.deeper(() => {
      put(open)
      for (const [i, item] of items.entries()) {
        if (i > 0) put(', ')
        write(writer, item)
      }
      put(close)
    })
  const pairs = (entries: Iterable<readonly [Value, Value]>) =>
    budget.deeper(() => {
      put('{')
      let isFirst = true
      for (const [key, item] of entries) {
        if (!isFirst) put(', ')
        isFirst = false
        write(writer, key)
        put(': ')
        write(writer, item)
      }
      put('}')
    })
  if (value === null) put('None')
  else if (typeof value === 'boolean') put(value ? 'True' : 'False')
  else if (typeof value === 'bigint') put(String(value))
  else if (typeof value === 'number') put(floatText(value))
  else if (typeof value === 'string') put(quoted(value))
  else if (value instanceof Markup) put(`Markup(${quoted(value.text)})`)
  else if (Array.isArray(value)) list('[', value, ']')
  else if (value instanceof Tuple) list('(', value.items, value.items.length === 1 ? ',)' : ')')
  else if (value instanceof Dict) pairs(value.entries())
  else if (value instanceof View) list(`${value.kind}([`, value.items, '])')
  else if (value instanceof Range)
    put(`range(${value.start}, ${value.stop}${value.step === 1n ? '' : `, ${value.step}`})`)
  else if (value instanceof Namespace) {
    put('<Namespace ')
    pairs(value.attributes)
    put('>')
  } else if (value instanceof Undefined) put('Undefined')
  // Python writes where they lie in memory.
  else throw new UnsupportedInTemplate(`the text of a ${typeName(value)}`)
}

/** The shortest digits that are read as the same float, as Python lays them out. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  const [mantissa = '', power = ''] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16)
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** A string with quotes and escapes. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\p{C}\p{Z}\\'"]/gu, (character) => {
    if (character === ' ') return ' '
    if (character === '\\' || character === quote) return `\\${character}`
    if (character === '"' || character === "'") return character
    const simple = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
    if (simple) return simple
    const code = character.codePointAt(0)!
    const hex = code.toString(16)
    if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
    return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
  })
  return quote + escaped + quote
}

/** Text of a value, escaped for HTML where it is not markup yet. */
export const escaped = (budget: Budget, value: Value): Markup =>
  value instanceof Markup
    ? value
    : new Markup(
        toText(budget, value)
          .replaceAll('&', '&amp;')
          .replaceAll('>', '&gt;')
          .replaceAll('<', '&lt;')
          .replaceAll("'", '&#39;')
          .replaceAll('"', '&#34;'),
      )
