import { getItem } from './attributes'
import type { Budget } from './budget'
import { textOf, Undefined, type Value } from './values'

/** How a filter's `attribute` reads an item: `a.b.0`, each part an element or an attribute. */
export function attributeReader(
  budget: Budget,
  attribute: Value | undefined,
  fallback?: Value,
): (item: Value) => Value {
  const parts = partsOf(attribute)
  return (item) => {
    let value = item
    for (const part of parts) {
      value = getItem(budget, value, part)
      if (fallback !== undefined && fallback !== null && value instanceof Undefined) value = fallback
    }
    return value
  }
}

/** Several of them with commas between: what is read is a list. */
export function attributesReader(budget: Budget, attribute: Value | undefined): (item: Value) => Value[] {
  const text = attribute === undefined ? undefined : textOf(attribute)
  const readers = (text === undefined ? [attribute] : text.split(',')).map((one) => attributeReader(budget, one))
  return (item) => readers.map((read) => read(item))
}

function partsOf(attribute: Value | undefined): Value[] {
  if (attribute === undefined || attribute === null) return []
  const text = textOf(attribute)
  return text === undefined
    ? [attribute]
    : text.split('.').map((part) => (/^\p{Nd}+$/u.test(part) ? BigInt(part) : part))
}

/** What texts are compared by where their case does not count. */
export function withoutCase(budget: Budget, value: Value): Value {
  const text = textOf(value)
  if (text === undefined) return value
  budget.make(text.length)
  return text.toLowerCase()
}
