import { attributeReader, attributesReader, withoutCase } from './attribute-path'
import { bind, flagOf, intOf } from './bind'
import type { Budget } from './budget'
import { TemplateFailure, typeError } from './failure'
import type { Filter } from './filters'
import { areEqual, binary, order, remade } from './operators'
import { toText } from './python-text'
import type { Runtime } from './runtime'
import { joinTexts } from './text-methods'
import {
  Dict,
  Generator,
  hashOf,
  isTrue,
  itemsOf,
  type Kwargs,
  lengthOf,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from './values'

/** Counted, as each item is about to be looked at. */
function walked(budget: Budget, value: Value): readonly Value[] {
  const items = itemsOf(value)
  budget.make(items.length)
  return items
}

/** Sorted by keys, stable; equal ones keep their order, also from the last to the first. */
function sorted<T>(budget: Budget, items: readonly T[], keyOf: (item: T) => Value, reverse: boolean): T[] {
  budget.step((items.length * Math.log2(items.length + 1)) / 4)
  const keyed = items.map((item) => ({ item, key: keyOf(item) }))
  const sign = reverse ? -1 : 1
  return keyed.sort((a, b) => sign * order(budget, a.key, b.key, '<')).map(({ item }) => item)
}

const length: Filter = (_, value) => {
  const found = lengthOf(value)
  if (found === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`)
  return BigInt(found)
}

const least =
  (name: string, sign: 1 | -1): Filter =>
  ({ budget }, value, args, kwargs) => {
    const [caseSensitive, attribute] = bind(name, ['case_sensitive?', 'attribute?'], args, kwargs)
    const items = walked(budget, value)
    if (items.length === 0) return new Undefined('No aggregated item, sequence was empty.')
    const read = attributeReader(budget, attribute)
    const keyOf = (item: Value): Value => (flagOf(caseSensitive) ? read(item) : withoutCase(budget, read(item)))
    let best: { item: Value; key: Value } = { item: items[0]!, key: keyOf(items[0]!) }
    for (const item of items.slice(1)) {
      const key = keyOf(item)
      if (sign * order(budget, key, best.key, sign > 0 ? '<' : '>') < 0) best = { item, key }
    }
    return best.item
  }

/** select, reject and their kin: items by a test of them, or of an attribute. */
const chosen =
  (ofAttribute: boolean, wanted: boolean): Filter =>
  (runtime, value, args, kwargs) =>
    new Generator(() => {
      if (!(value instanceof Generator) && !isTrue(value)) return []
      const isChosen = chooser(runtime, args, kwargs, ofAttribute)
      return walked(runtime.budget, value).filter((item) => isChosen(item) === wanted)
    })

function chooser(runtime: Runtime, args: readonly Value[], kwargs: Kwargs, ofAttribute: boolean) {
  if (ofAttribute && args.length === 0) throw typeError('Missing parameter for attribute name')
  const read = ofAttribute ? attributeReader(runtime.budget, args[0]) : (item: Value) => item
  const [test, ...rest] = args.slice(ofAttribute ? 1 : 0)
  if (test === undefined) return (item: Value) => isTrue(read(item))
  const name = nameOf(test)
  return (item: Value) => runtime.test(name, read(item), rest, kwargs)
}

const nameOf = (value: Value): string => {
  const name = textOf(value)
  if (name === undefined) throw typeError(`a filter or test is called by its name, not ${typeName(value)}`)
  return name
}

/** What `map` does with each item: a filter by name, or an attribute. */
function mapping(runtime: Runtime, args: readonly Value[], kwargs: Kwargs): (item: Value) => Value {
  if (args.length === 0 && kwargs.has('attribute')) {
    for (const key of kwargs.keys())
      if (key !== 'attribute' && key !== 'default') throw typeError(`Unexpected keyword argument '${key}'`)
    return attributeReader(runtime.budget, kwargs.get('attribute'), kwargs.get('default'))
  }
  const [filter, ...rest] = args
  if (filter === undefined) throw typeError('map requires a filter argument')
  const name = nameOf(filter)
  return (item) => runtime.filter(name, item, rest, kwargs)
}

/** Filters that are about lists and dicts. */
export const listFilters: Readonly<Record<string, Filter>> = {
  batch({ budget }, value, args, kwargs) {
    const [count, fill = null] = bind('batch', ['linecount', 'fill_with?'], args, kwargs)
    const size = intOf(count, 1)
    return new Generator(() => {
      const items = walked(budget, value)
      if (items.length === 0) return []
      // The first batch is given out when it is full and another item comes: none is ever of no items.
      if (size <= 0) return size === 0 ? [[], items] : [items]
      const batches = Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
        items.slice(i * size, (i + 1) * size),
      )
      const last = batches.at(-1)!
      if (fill !== null && last.length < size) {
        budget.make(size)
        batches[batches.length - 1] = [...last, ...Array.from({ length: size - last.length }, () => fill)]
      }
      return batches
    })
  },
  count: length,
  dictsort({ budget }, value, args, kwargs) {
    const [caseSensitive, by = 'key', reverse] = bind('dictsort', ['case_sensitive?', 'by?', 'reverse?'], args, kwargs)
    if (by !== 'key' && by !== 'value') throw typeError('You can only sort by either "key" or "value"')
    if (value instanceof Undefined) throw value.fail()
    if (!(value instanceof Dict)) throw typeError(`'${typeName(value)}' object has no attribute 'items'`)
    const keyOf = (entry: readonly [Value, Value]) => {
      const key = entry[by === 'key' ? 0 : 1]
      return flagOf(caseSensitive) ? key : withoutCase(budget, key)
    }
    return sorted(budget, value.entries(), keyOf, flagOf(reverse)).map((entry) => new Tuple(entry))
  },
  first(_, value) {
    const item = value instanceof Generator ? value.next() : itemsOf(value)[0]
    return item === undefined ? new Undefined('No first item, sequence was empty.') : item
  },
  groupby({ budget }, value, args, kwargs) {
    const [attribute, fallback, caseSensitive] = bind(
      'groupby',
      ['attribute', 'default?', 'case_sensitive?'],
      args,
      kwargs,
    )
    const read = attributeReader(budget, attribute, fallback)
    const keyOf = (item: Value) => (flagOf(caseSensitive) ? read(item) : withoutCase(budget, read(item)))
    const groups: { key: Value; items: Value[] }[] = []
    for (const item of sorted(budget, walked(budget, value), keyOf, false)) {
      const key = keyOf(item)
      const last = groups.at(-1)
      if (last && areEqual(budget, last.key, key)) last.items.push(item)
      else groups.push({ key, items: [item] })
    }
    return groups.map(
      ({ key, items }): Value => new Tuple([flagOf(caseSensitive) ? key : read(items[0]!), items], ['grouper', 'list']),
    )
  },
  items(_, value) {
    return new Generator(() => {
      if (value instanceof Undefined) return []
      if (!(value instanceof Dict)) throw typeError('Can only get item pairs from a mapping.')
      return value.entries().map((entry) => new Tuple(entry))
    })
  },
  join({ budget }, value, args, kwargs) {
    const [separator = '', attribute] = bind('join', ['d?', 'attribute?'], args, kwargs)
    const items = walked(budget, value)
    const read = attribute === undefined || attribute === null ? undefined : attributeReader(budget, attribute)
    const texts = items.map((item) => toText(budget, read ? read(item) : item))
    return joinTexts(budget, toText(budget, separator), texts)
  },
  last(_, value) {
    if (value instanceof Generator) throw typeError("'generator' object is not reversible")
    const item = itemsOf(value).at(-1)
    return item === undefined ? new Undefined('No last item, sequence was empty.') : item
  },
  length,
  list: ({ budget }, value) => [...walked(budget, value)],
  map(runtime, value, args, kwargs) {
    return new Generator(() => {
      if (!(value instanceof Generator) && !isTrue(value)) return []
      return walked(runtime.budget, value).map(mapping(runtime, args, kwargs))
    })
  },
  max: least('max', -1),
  min: least('min', 1),
  reject: chosen(false, false),
  rejectattr: chosen(true, false),
  reverse({ budget }, value) {
    const text = textOf(value)
    if (text !== undefined) {
      budget.make(text.length)
      return remade(value, [...text].reverse().join(''))
    }
    const items = walked(budget, value)
    const isList = value instanceof Generator
    return isList ? [...items].reverse() : new Generator(() => [...items].reverse(), 'list_reverseiterator')
  },
  select: chosen(false, true),
  selectattr: chosen(true, true),
  slice({ budget }, value, args, kwargs) {
    const [slices, fill = null] = bind('slice', ['slices', 'fill_with?'], args, kwargs)
    const count = intOf(slices, 1)
    return new Generator(() => {
      const items = walked(budget, value)
      if (count === 0) throw new TemplateFailure('integer division or modulo by zero', 'ValueError')
      budget.make(Math.max(0, count))
      const [each, extra] = [Math.floor(items.length / count), items.length % count]
      let start = 0
      return Array.from({ length: Math.max(0, count) }, (_, i) => {
        const part: Value[] = items.slice(start, start + each + (i < extra ? 1 : 0))
        start += part.length
        if (fill !== null && i >= extra) part.push(fill)
        return part
      })
    })
  },
  sort({ budget }, value, args, kwargs) {
    const [reverse, caseSensitive, attribute] = bind(
      'sort',
      ['reverse?', 'case_sensitive?', 'attribute?'],
      args,
      kwargs,
    )
    const read = attributesReader(budget, attribute)
    const keyOf = (item: Value): Value => {
      const keys = read(item)
      return flagOf(caseSensitive) ? keys : keys.map((key) => withoutCase(budget, key))
    }
    return sorted(budget, walked(budget, value), keyOf, flagOf(reverse))
  },
  sum({ budget }, value, args, kwargs) {
    const [attribute, start = 0n] = bind('sum', ['attribute?', 'start?'], args, kwargs)
    if (textOf(start) !== undefined) throw typeError("sum() can't sum strings [use ''.join(seq) instead]")
    const read = attribute === undefined || attribute === null ? undefined : attributeReader(budget, attribute)
    return walked(budget, value).reduce<Value>((sum, item) => binary(budget, '+', sum, read ? read(item) : item), start)
  },
  unique({ budget }, value, args, kwargs) {
    const [caseSensitive, attribute] = bind('unique', ['case_sensitive?', 'attribute?'], args, kwargs)
    const read = attributeReader(budget, attribute)
    return new Generator(() => {
      const seen = new Set<unknown>()
      return walked(budget, value).filter((item) => {
        const hash = hashOf(flagOf(caseSensitive) ? read(item) : withoutCase(budget, read(item)))
        const isNew = !seen.has(hash)
        seen.add(hash)
        return isNew
      })
    })
  },
}
