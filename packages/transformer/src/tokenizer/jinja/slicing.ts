import type { Budget } from './budget'
import { typeError, valueError } from './failure'
import { indexOf, remade } from './operators'
import { isFlat, Range, Tuple, textOf, typeName, type Value } from './values'

/** `value[start:stop:step]`; each part may be None. */
export function sliced(budget: Budget, value: Value, parts: readonly Value[]): Value | undefined {
  const [start, stop, step = 1] = parts.map((part) => {
    if (part === null || part === undefined) return undefined
    const index = indexOf(part)
    if (index === undefined) throw typeError('slice indices must be integers or None or have an __index__ method')
    return index
  })
  if (step === 0) throw valueError('slice step cannot be zero')
  const text = textOf(value)
  if (text !== undefined) {
    if (isFlat(text)) {
      const { first, count } = extent(text.length, start, stop, step)
      budget.through(count)
      if (step === 1) return remade(value, text.slice(first, first + count))
      return remade(value, Array.from({ length: count }, (_, i) => text[first + i * step]).join(''))
    }
    budget.through(text.length)
    return remade(value, picked([...text]).join(''))
  }
  if (Array.isArray(value)) return picked(value)
  if (value instanceof Tuple) return new Tuple(picked(value.items))
  if (value instanceof Range) return slicedRange(value)
  return undefined

  function picked<T>(items: readonly T[]): T[] {
    const { first, count } = extent(items.length, start, stop, step!)
    budget.make(count)
    return Array.from({ length: count }, (_, i) => items[first + i * step!]!)
  }

  function slicedRange(range: Range): Range {
    const { first, count } = extent(range.length, start, stop, step!)
    const from = range.at(first)
    const stride = range.step * BigInt(step!)
    return new Range(from, from + BigInt(count) * stride, stride)
  }
}

/** The first place of a slice, and how many there are. */
function extent(length: number, start: number | undefined, stop: number | undefined, step: number) {
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1]
  const within = (index: number | undefined, fallback: number) =>
    index === undefined ? fallback : Math.min(high, Math.max(low, index < 0 ? index + length : index))
  const first = within(start, step > 0 ? low : high)
  const end = within(stop, step > 0 ? high : low)
  return { first, count: Math.max(0, Math.ceil((end - first) / step)) }
}

/** The element at a place, counted from the end where it is negative; undefined where there is none. */
export function elementAt(value: Value, index: number): Value | undefined {
  const place = (length: number) => (index < 0 ? index + length : index)
  const text = textOf(value)
  if (text !== undefined) {
    const units = isFlat(text) ? text : [...text]
    const character = units[place(units.length)]
    return character === undefined ? undefined : remade(value, character)
  }
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined
  if (items) return items[place(items.length)]
  if (!(value instanceof Range)) throw typeError(`'${typeName(value)}' object is not subscriptable`)
  const at = place(value.length)
  return at >= 0 && at < value.length ? value.at(at) : undefined
}
