import { bind, flagOf } from './bind'
import type { Budget } from './budget'
import { typeError, valueError } from './failure'
import { indexOf, order } from './operators'
import { floatText } from './python-text'
import { Dict, itemsOf, type Kwargs, Tuple, textOf, typeName, type Value } from './values'

/** The filter `tojson` as transformers defines it: Python's `json.dumps` without escapes for HTML, and not ASCII alone. */
export function toJson(budget: Budget, value: Value, args: readonly Value[], kwargs: Kwargs): string {
  const [ascii, indent = null, separators = null, sort] = bind(
    'tojson',
    ['ensure_ascii?', 'indent?', 'separators?', 'sort_keys?'],
    args,
    kwargs,
  )
  const [between, colon] = separatorsOf(separators, indent)
  return new JsonWriter(budget, indentOf(budget, indent), between, colon, flagOf(ascii), flagOf(sort)).text(value)
}

function separatorsOf(separators: Value, indent: Value): readonly [string, string] {
  if (separators === null) return [indent === null ? ', ' : ',', ': ']
  const items = itemsOf(separators).map(textOf)
  if (items.length !== 2 || items.some((item) => item === undefined)) throw valueError('separators must be two strings')
  return items as [string, string]
}

function indentOf(budget: Budget, indent: Value): string | undefined {
  if (indent === null) return undefined
  const text = textOf(indent)
  if (text !== undefined) return text
  const count = indexOf(indent)
  if (count === undefined) throw typeError(`can't multiply sequence by non-int of type '${typeName(indent)}'`)
  budget.make(Math.max(0, count))
  return ' '.repeat(Math.max(0, count))
}

class JsonWriter {
  readonly #pieces: string[] = []
  readonly #within = new Set<Value>()
  #length = 0

  constructor(
    readonly budget: Budget,
    readonly indent: string | undefined,
    readonly between: string,
    readonly colon: string,
    readonly ascii: boolean,
    readonly sort: boolean,
  ) {}

  text(value: Value): string {
    this.#write(value, 0)
    return this.#pieces.join('')
  }

  #put(piece: string): void {
    this.#length += piece.length
    this.budget.hold(this.#length)
    this.budget.step(1 + piece.length / 16)
    this.#pieces.push(piece)
  }

  #write(value: Value, depth: number): void {
    const text = textOf(value)
    if (text !== undefined) this.#put(this.#string(text))
    else if (value === null || typeof value === 'boolean') this.#put(String(value))
    else if (typeof value === 'bigint' || typeof value === 'number') this.#put(numberText(value))
    else if (Array.isArray(value) || value instanceof Tuple)
      this.#nested('[', itemsOf(value), ']', value, depth, (item) => this.#write(item, depth + 1))
    else if (value instanceof Dict)
      this.#nested('{', this.#entries(value), '}', value, depth, ([key, item]) => {
        this.#put(this.#string(keyText(key)) + this.colon)
        this.#write(item, depth + 1)
      })
    else throw typeError(`Object of type ${typeName(value)} is not JSON serializable`)
  }

  #entries(value: Dict): readonly (readonly [Value, Value])[] {
    if (!this.sort) return value.entries()
    return value.entries().sort(([a], [b]) => order(this.budget, a, b, '<'))
  }

  #nested<T>(open: string, items: readonly T[], close: string, value: Value, depth: number, write: (item: T) => void) {
    if (items.length === 0) {
      this.#put(open + close)
      return
    }
    if (this.#within.has(value)) throw valueError('Circular reference detected')
    this.#within.add(value)
    this.budget.deeper(() => {
      this.#put(open)
      for (const [i, item] of items.entries()) {
        if (i > 0) this.#put(this.between)
        this.#newline(depth + 1)
        write(item)
      }
      this.#newline(depth)
      this.#put(close)
    })
    this.#within.delete(value)
  }

  #newline(depth: number): void {
    if (this.indent === undefined) return
    this.budget.hold(this.#length + this.indent.length * depth)
    this.#put(`\n${this.indent.repeat(depth)}`)
  }

  #string(text: string): string {
    const plain = JSON.stringify(text).replace(/\\u(d[89a-f][\da-f]{2})/g, (written, hex: string) =>
      this.ascii ? written : String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (!this.ascii) return plain
    return plain.replace(/[\x7f-\uffff]/g, (unit) => {
      const code = unit.charCodeAt(0)
      return code === 0x7f ? unit : `\\u${code.toString(16).padStart(4, '0')}`
    })
  }
}

function numberText(value: bigint | number): string {
  if (typeof value === 'bigint') return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? floatText(value) : value > 0 ? 'Infinity' : '-Infinity'
}

function keyText(key: Value): string {
  const text = textOf(key)
  if (text !== undefined) return text
  if (key === null || typeof key === 'boolean') return String(key)
  if (typeof key === 'bigint' || typeof key === 'number') return numberText(key)
  throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`)
}
