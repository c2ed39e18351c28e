import type { Budget } from './budget'
import { TemplateFailure, typeError, valueError } from './failure'
import type { BinaryOperator, CompareOperator } from './nodes'
import { formatPercent } from './percent-format'
import { escaped } from './python-text'
import {
  Dict,
  Generator,
  isIterable,
  itemsOf,
  Markup,
  Range,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
  View,
} from './values'

/** A number's value, bools among them: 0n or 1n. */
export const numberOf = (value: Value): bigint | number | undefined => {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return typeof value === 'boolean' ? BigInt(value) : undefined
}

/** A place or a count: an int that is no larger than any length. */
export function indexOf(value: Value): number | undefined {
  const number = numberOf(value)
  if (typeof number !== 'bigint') return undefined
  return Number(BigInt.asIntN(54, number) === number ? number : number < 0n ? -mostIndex : mostIndex)
}

const mostIndex = BigInt(Number.MAX_SAFE_INTEGER)

export function areEqual(budget: Budget, left: Value, right: Value): boolean {
  budget.step()
  if (left instanceof Undefined || right instanceof Undefined)
    return left instanceof Undefined && right instanceof Undefined
  const [a, b] = [numberOf(left), numberOf(right)]
  // biome-ignore lint/suspicious/noDoubleEquals: an int and a float of one value are equal, as in Python.
  if (a !== undefined && b !== undefined) return a == b
  const [text, other] = [textOf(left), textOf(right)]
  if (text !== undefined && other !== undefined) {
    budget.through(Math.min(text.length, other.length))
    return text === other
  }
  const inOrder = (x: readonly Value[], y: readonly Value[]) =>
    x.length === y.length && budget.deeper(() => x.every((item, i) => areEqual(budget, item, y[i]!)))
  if (Array.isArray(left) && Array.isArray(right)) return inOrder(left, right)
  if (left instanceof Tuple && right instanceof Tuple) return inOrder(left.items, right.items)
  if (left instanceof Dict && right instanceof Dict)
    return (
      left.size === right.size &&
      budget.deeper(() =>
        left.entries().every(([key, item]) => {
          const other = right.get(key)
          return other !== undefined && areEqual(budget, item, other)
        }),
      )
    )
  if (left instanceof Range && right instanceof Range)
    return (
      left.length === right.length &&
      (left.length === 0 || (left.start === right.start && (left.length === 1 || left.step === right.step)))
    )
  if (left instanceof View && right instanceof View && left.kind === right.kind && left.kind !== 'dict_values')
    return left.items.length === right.items.length && left.items.every((item) => contains(budget, right, item))
  return left === right
}

/** Below, at or above zero, as `left` is before, equal to or after `right`; NaN where they are neither. */
export function order(budget: Budget, left: Value, right: Value, operator: string): number {
  budget.step()
  const [a, b] = [numberOf(left), numberOf(right)]
  // biome-ignore lint/suspicious/noDoubleEquals: an int and a float of one value are equal, as in Python.
  if (a !== undefined && b !== undefined) return a < b ? -1 : a > b ? 1 : a == b ? 0 : Number.NaN
  const [text, other] = [textOf(left), textOf(right)]
  if (text !== undefined && other !== undefined) {
    budget.through(Math.min(text.length, other.length))
    return byCharacters(text, other)
  }
  const x = Array.isArray(left) ? left : left instanceof Tuple ? left.items : undefined
  const y = Array.isArray(right) ? right : right instanceof Tuple ? right.items : undefined
  if (x && y && Array.isArray(left) === Array.isArray(right))
    return budget.deeper(() => {
      for (const [i, item] of x.entries()) {
        if (i >= y.length) return 1
        if (!areEqual(budget, item, y[i]!)) return order(budget, item, y[i]!, operator)
      }
      return x.length - y.length
    })
  throw (
    undefinedOf(left, right) ??
    typeError(`'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`)
  )
}

/** Texts in the order of their code points, which is not that of UTF-16. */
function byCharacters(left: string, right: string): number {
  if (left === right) return 0
  let i = 0
  while (i < left.length && left.charCodeAt(i) === right.charCodeAt(i)) i++
  const [a, b] = [left.charCodeAt(i), right.charCodeAt(i)]
  if (Number.isNaN(a) || Number.isNaN(b)) return left.length - right.length
  const [highA, highB] = [a >= 0xd800 && a < 0xe000, b >= 0xd800 && b < 0xe000]
  return highA === highB ? a - b : highA ? 1 : -1
}

const undefinedOf = (...values: Value[]): TemplateFailure | undefined =>
  values.find((value): value is Undefined => value instanceof Undefined)?.fail()

function contains(budget: Budget, container: Value, item: Value): boolean {
  const text = textOf(container)
  if (text !== undefined) {
    const sought = textOf(item)
    if (sought === undefined)
      throw undefinedOf(item) ?? typeError(`'in <string>' requires string as left operand, not ${typeName(item)}`)
    budget.search(text, sought)
    return text.includes(sought)
  }
  if (container instanceof Dict) return container.has(item)
  if (!isIterable(container)) throw typeError(`argument of type '${typeName(container)}' is not iterable`)
  if (container instanceof Generator) {
    for (let next = container.next(); next !== undefined; next = container.next())
      if (areEqual(budget, next, item)) return true
    return false
  }
  const items = itemsOf(container)
  budget.through(items.length)
  return items.some((one) => one === item || areEqual(budget, one, item))
}

export function compare(budget: Budget, operator: CompareOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return areEqual(budget, left, right)
    case '!=':
      return !areEqual(budget, left, right)
    case 'in':
      return contains(budget, right, left)
    case 'not in':
      return !contains(budget, right, left)
    case '<':
      return order(budget, left, right, operator) < 0
    case '<=':
      return order(budget, left, right, operator) <= 0
    case '>':
      return order(budget, left, right, operator) > 0
    case '>=':
      return order(budget, left, right, operator) >= 0
  }
}

export function binary(budget: Budget, operator: BinaryOperator, left: Value, right: Value): Value {
  const failure = undefinedOf(left, right)
  if (failure && !(operator === '%' && textOf(left) !== undefined)) throw failure
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a !== undefined && b !== undefined) return arithmetic(budget, operator, a, b)
  if (operator === '%' && textOf(left) !== undefined) return remade(left, formatPercent(budget, left, right))
  if (operator === '+') {
    const sum = joined(budget, left, right)
    if (sum !== undefined) return sum
  }
  if (operator === '*') {
    const product = repeated(budget, left, right) ?? repeated(budget, right, left)
    if (product !== undefined) return product
  }
  throw typeError(`unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`)
}

/** Text of the same kind: markup stays markup. */
export const remade = (like: Value, text: string): Value => (like instanceof Markup ? new Markup(text) : text)

function joined(budget: Budget, left: Value, right: Value): Value | undefined {
  const [text, other] = [textOf(left), textOf(right)]
  if (text !== undefined && other !== undefined) {
    const isMarkup = left instanceof Markup || right instanceof Markup
    const [head, tail] = isMarkup ? [escaped(budget, left).text, escaped(budget, right).text] : [text, other]
    // Texts are joined by reference.
    budget.hold(head.length + tail.length)
    return isMarkup ? new Markup(head + tail) : head + tail
  }
  const lists = Array.isArray(left) && Array.isArray(right)
  const tuples = left instanceof Tuple && right instanceof Tuple
  if (!lists && !tuples) {
    if (text !== undefined) throw typeError(`can only concatenate str (not "${typeName(right)}") to str`)
    return undefined
  }
  const [x, y] = [itemsOf(left), itemsOf(right)]
  budget.make(x.length + y.length)
  return lists ? [...x, ...y] : new Tuple([...x, ...y])
}

function repeated(budget: Budget, value: Value, times: Value): Value | undefined {
  const count = indexOf(times)
  if (count === undefined) return undefined
  const text = textOf(value)
  const repeats = Math.max(0, count)
  if (text !== undefined) {
    budget.make(text.length * repeats)
    return remade(value, text === '' ? '' : text.repeat(repeats))
  }
  if (!Array.isArray(value) && !(value instanceof Tuple)) return undefined
  const items = itemsOf(value)
  budget.make(items.length * repeats)
  const many = items.length === 0 ? [] : Array.from({ length: repeats }, () => items).flat()
  return Array.isArray(value) ? many : new Tuple(many)
}

function arithmetic(budget: Budget, operator: BinaryOperator, a: bigint | number, b: bigint | number): Value {
  if ('/ // %'.split(' ').includes(operator) && Number(b) === 0)
    throw new TemplateFailure('division by zero', 'ValueError')
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const bits = () => bitsOf(a) + bitsOf(b)
    switch (operator) {
      case '+':
        budget.makeBits(Math.max(bitsOf(a), bitsOf(b)))
        return a + b
      case '-':
        budget.makeBits(Math.max(bitsOf(a), bitsOf(b)))
        return a - b
      case '*':
        budget.makeBits(bits())
        return a * b
      case '/':
        return Number(a) / Number(b)
      case '//':
        return floorDivide(a, b)
      case '%':
        return a - floorDivide(a, b) * b
      case '**':
        if (b < 0n) {
          if (a === 0n) throw valueError('0.0 cannot be raised to a negative power')
          return Number(a) ** Number(b)
        }
        budget.makeBits(a === 0n || a === 1n || a === -1n ? 1 : bitsOf(a) * Number(b))
        return a ** b
    }
  }
  const [x, y] = [Number(a), Number(b)]
  switch (operator) {
    case '+':
      return x + y
    case '-':
      return x - y
    case '*':
      return x * y
    case '/':
      return x / y
    case '//':
      return Math.floor((x - floatModulo(x, y)) / y + 0.5)
    case '%':
      return floatModulo(x, y)
    case '**':
      if (x === 0 && y < 0) throw valueError('0.0 cannot be raised to a negative power')
      if (x < 0 && !Number.isInteger(y)) throw typeError('complex numbers are not supported')
      return x ** y
  }
}

const bitsOf = (value: bigint): number => {
  const number = Math.abs(Number(value))
  // Beyond what a float holds there is nothing: makeBits refuses it.
  return number < 1 ? 1 : Math.log2(number) + 1
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

/** The remainder with the sign of the divisor. */
function floatModulo(x: number, y: number): number {
  const remainder = x % y
  return remainder !== 0 && remainder < 0 !== y < 0 ? remainder + y : remainder
}

export function signed(operator: 'Neg' | 'Pos', value: Value): Value {
  const number = numberOf(value)
  if (number === undefined)
    throw (
      undefinedOf(value) ??
      typeError(`bad operand type for unary ${operator === 'Neg' ? '-' : '+'}: '${typeName(value)}'`)
    )
  return operator === 'Neg' ? -number : number
}

/** Whether two values are one object; small values are always one. */
export const areSame = (left: Value, right: Value): boolean => Object.is(left, right)
