import { TemplateFailure, typeError, UnsupportedInTemplate } from './failure'

/**
 * What an expression of a template is worth, as Python has it: int is a bigint and float a number, list is an array, None is
 * null. Lists and dicts never change: the sandbox allows it to nobody.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Tuple
  | Dict
  | Markup
  | Range
  | View
  | Generator
  | Undefined
  | Namespace
  | Callable
  | Instance

export class Tuple {
  constructor(
    readonly items: readonly Value[],
    /** Of a named tuple. */
    readonly names: readonly string[] = [],
  ) {}
}

/** Text that is HTML: what is added to it is escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A dict, in the order in which its keys came. */
export class Dict {
  readonly #entries = new Map<unknown, readonly [Value, Value]>()

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) {
      const hash = hashOf(key)
      this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value])
    }
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1]
  }

  has(key: Value): boolean {
    return this.#entries.has(hashOf(key))
  }

  entries(): (readonly [Value, Value])[] {
    return [...this.#entries.values()]
  }

  keys(): Value[] {
    return this.entries().map(([key]) => key)
  }

  values(): Value[] {
    return this.entries().map(([, value]) => value)
  }
}

/** Equal for keys that are one key to Python: 1, 1.0 and True are. */
export function hashOf(key: Value): unknown {
  if (key instanceof Tuple) {
    const parts: string[] = []
    hashTuple(key, parts)
    // No text of a conversation begins so.
    return `\0(${parts.join()})`
  }
  if (key instanceof Markup) return key.text
  if (key instanceof Undefined) return Undefined
  if (typeof key === 'boolean') return BigInt(key)
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key)
  if (Array.isArray(key) || key instanceof Dict || key instanceof View)
    throw typeError(`unhashable type: '${typeName(key)}'`)
  return key
}

const mostParts = 1000

function hashTuple(tuple: Tuple, parts: string[]): void {
  parts.push('(')
  for (const item of tuple.items) {
    // A tuple that holds another twice doubles by each nesting what it takes to look at.
    if (parts.length > mostParts) throw new UnsupportedInTemplate('a tuple of so many parts as a key')
    if (item instanceof Tuple) hashTuple(item, parts)
    else {
      const hash = hashOf(item)
      if (typeof hash === 'object' && hash !== null) throw new UnsupportedInTemplate('a tuple of objects as a key')
      parts.push(`${typeof hash} ${typeof hash === 'string' ? JSON.stringify(hash) : String(hash)}`)
    }
  }
  parts.push(')')
}

export class Range {
  readonly length: number

  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint,
  ) {
    const span = step > 0n ? stop - start : start - stop
    const stride = step > 0n ? step : -step
    this.length = span > 0n ? Number((span + stride - 1n) / stride) : 0
  }

  at(index: number): bigint {
    return this.start + BigInt(index) * this.step
  }

  items(): bigint[] {
    return Array.from({ length: this.length }, (_, i) => this.at(i))
  }
}

/** What keys(), values() and items() of a dict give. */
export class View {
  constructor(
    readonly kind: 'dict_keys' | 'dict_values' | 'dict_items',
    readonly items: readonly Value[],
  ) {}
}

/** Values that are made when they are asked for, and can be walked over once. */
export class Generator {
  #make: (() => readonly Value[]) | undefined
  #left: readonly Value[] = []
  #next = 0

  constructor(
    make: () => readonly Value[],
    readonly kind: string = 'generator',
  ) {
    this.#make = make
  }

  /** The first that is left; undefined where none is. */
  next(): Value | undefined {
    this.#begin()
    return this.#left[this.#next++]
  }

  /** All that are left. */
  rest(): readonly Value[] {
    this.#begin()
    const rest = this.#next === 0 ? this.#left : this.#left.slice(this.#next)
    this.#next = this.#left.length
    return rest
  }

  #begin(): void {
    const make = this.#make
    this.#make = undefined
    if (make) this.#left = make()
  }
}

/** A name, attribute or element that is not there. */
export class Undefined {
  constructor(
    /** What is said where it is used. */
    readonly message: string,
    readonly kind: 'UndefinedError' | 'SecurityError' = 'UndefinedError',
  ) {}

  fail(): TemplateFailure {
    return new TemplateFailure(this.message, this.kind)
  }
}

/** The one thing that a template can change. */
export class Namespace {
  readonly attributes = new Map<string, Value>()
}

export type Kwargs = ReadonlyMap<string, Value>

/** A function, macro, method or class. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: readonly Value[], kwargs: Kwargs) => Value,
    readonly attributes: ReadonlyMap<string, Value> = new Map(),
  ) {}
}

/** An object of Jinja's own, as `loop` and what `cycler` gives: attributes that are computed, and what a call of it does. */
export abstract class Instance {
  abstract readonly typeName: string
  abstract attribute(name: string): Value | undefined
  abstract readonly call: Callable['call'] | undefined
}

const plainNames = new Map<unknown, string>([
  [Tuple, 'tuple'],
  [Dict, 'dict'],
  [Markup, 'Markup'],
  [Range, 'range'],
  [Undefined, 'Undefined'],
  [Namespace, 'Namespace'],
  [Callable, 'function'],
])

/** The name of a value's type, as Python's errors have it. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'string') return 'str'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return 'float'
  if (typeof value === 'boolean') return 'bool'
  if (Array.isArray(value)) return 'list'
  if (value instanceof View || value instanceof Generator) return value.kind
  if (value instanceof Instance) return value.typeName
  return plainNames.get(value.constructor) ?? 'object'
}

/** The text of a str, markup included; undefined for what is none. */
export const textOf = (value: Value): string | undefined =>
  typeof value === 'string' ? value : value instanceof Markup ? value.text : undefined

export function isTrue(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === 0n || value === '') return false
  if (typeof value !== 'object') return true
  if (value instanceof Undefined) return false
  const length = lengthOf(value)
  return length === undefined || length > 0
}

/** Of what has a length. */
export function lengthOf(value: Value): number | undefined {
  const text = textOf(value)
  if (text !== undefined) return characters(text)
  if (Array.isArray(value)) return value.length
  if (value instanceof Tuple || value instanceof View) return value.items.length
  if (value instanceof Dict) return value.size
  if (value instanceof Range) return value.length
  return value instanceof Undefined ? 0 : undefined
}

/** Whether places in a text are places in its UTF-16: where it is not, Python counts otherwise. */
export const isFlat = (text: string): boolean => !/[\ud800-\udfff]/.test(text)

export function characters(text: string): number {
  if (isFlat(text)) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** The values that a loop over this one goes through. */
export function itemsOf(value: Value): readonly Value[] {
  const text = textOf(value)
  if (text !== undefined) return [...text]
  if (Array.isArray(value)) return value
  if (value instanceof Tuple || value instanceof View) return value.items
  if (value instanceof Dict) return value.keys()
  if (value instanceof Range) return value.items()
  if (value instanceof Generator) return value.rest()
  if (value instanceof Undefined) return []
  throw typeError(`'${typeName(value)}' object is not iterable`)
}

export const isIterable = (value: Value): boolean =>
  textOf(value) !== undefined ||
  Array.isArray(value) ||
  [Tuple, View, Dict, Range, Generator, Undefined].some((type) => value instanceof type)

/** A value of JSON. Numbers that are whole are ints. */
export function fromJson(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : value
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return value.map(fromJson)
      return new Dict(
        Object.entries(value)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => [key, fromJson(item)] as const),
      )
    default:
      return null
  }
}
