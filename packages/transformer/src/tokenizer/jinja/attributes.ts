import type { Lookup } from './brace-format'
import type { Budget } from './budget'
import { collectionMethod } from './collection-methods'
import { typeError } from './failure'
import { indexOf } from './operators'
import { escaped, quoted } from './python-text'
import { elementAt, sliced } from './slicing'
import { textMethods } from './text-methods'
import {
  Callable,
  Dict,
  Instance,
  Markup,
  Namespace,
  Range,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from './values'

/** `value.name`: an attribute first, then an element of that name. */
export function getAttribute(budget: Budget, value: Value, name: string): Value {
  const own = ownAttribute(budget, value, name)
  if (own !== undefined) return own
  const element = elementNamed(value, name)
  return element === undefined ? missing(value, name) : element
}

/** `value[index]`: an element first, then an attribute of that name. */
export function getItem(budget: Budget, value: Value, index: Value): Value {
  if (value instanceof Undefined) throw value.fail()
  if (value instanceof Dict) {
    const found = value.get(index)
    if (found !== undefined) return found
  } else {
    const place = indexOf(index)
    const isSequence =
      textOf(value) !== undefined || Array.isArray(value) || [Tuple, Range].some((type) => value instanceof type)
    if (place !== undefined && isSequence) {
      const found = elementAt(value, place)
      if (found !== undefined) return found
    }
  }
  const name = textOf(index)
  const own = name === undefined ? undefined : ownAttribute(budget, value, name)
  return own === undefined ? missing(value, index) : own
}

/** `value[start:stop:step]` */
export function getSlice(budget: Budget, value: Value, parts: readonly Value[]): Value {
  if (value instanceof Undefined) throw value.fail()
  const part = sliced(budget, value, parts)
  if (part === undefined)
    throw typeError(
      value instanceof Dict ? "unhashable type: 'slice'" : `'${typeName(value)}' object is not subscriptable`,
    )
  return part
}

/** What methods of text look fields up with. */
export const lookup: Lookup = { getAttribute, getItem }

const elementNamed = (value: Value, name: string): Value | undefined =>
  value instanceof Dict ? value.get(name) : undefined

/** What a value has by this name itself, methods among it; undefined where it has nothing. */
export function ownAttribute(budget: Budget, value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) throw value.fail()
  if (value instanceof Namespace) return value.attributes.get(name)
  if (value instanceof Instance) return value.attribute(name)
  if (value instanceof Callable) return value.attributes.get(name)
  if (/^__\w+__$/.test(name)) return unsafe(value, name)
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)]
  if (value instanceof Markup) return markupMethod(budget, value, name)
  if (typeof value === 'string') {
    const method = Object.hasOwn(textMethods, name) ? textMethods[name] : undefined
    return method && new Callable(name, (args, kwargs) => method(budget, value, args, kwargs, lookup))
  }
  return collectionMethod(budget, value, name)
}

/** What the sandbox lets nobody have: it fails where it is used. */
const unsafe = (value: Value, name: string): Undefined =>
  new Undefined(`access to attribute '${name}' of '${typeName(value)}' object is unsafe.`, 'SecurityError')

const unescapedEntities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&#39;': "'",
  '&#34;': '"',
  '&quot;': '"',
}

/** The methods of text, whose arguments are escaped and whose results are markup again. */
function markupMethod(budget: Budget, value: Markup, name: string): Value | undefined {
  const safe = (argument: Value): Value => (typeof argument === 'string' ? escaped(budget, argument) : argument)
  if (name === 'unescape' || name === 'striptags')
    return new Callable(name, () => (name === 'unescape' ? unescapedText(value.text) : withoutTags(value.text)))
  const method = Object.hasOwn(textMethods, name) ? textMethods[name] : undefined
  if (!method) return undefined
  return new Callable(name, (args, kwargs) => {
    const isPlain = ['split', 'rsplit', 'splitlines', 'startswith', 'endswith', 'find', 'count'].includes(name)
    const given = isPlain
      ? args
      : args.map((argument) => (Array.isArray(argument) ? argument.map(safe) : safe(argument)))
    const named = isPlain ? kwargs : new Map([...kwargs].map(([key, argument]) => [key, safe(argument)] as const))
    return marked(method(budget, value.text, given, named, lookup))
  })
}

const marked = (made: Value): Value => {
  if (typeof made === 'string') return new Markup(made)
  if (Array.isArray(made)) return made.map(marked)
  return made instanceof Tuple ? new Tuple(made.items.map(marked)) : made
}

const unescapedText = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|#39|#34|quot);/g, (entity) => unescapedEntities[entity]!)

/** Text without tags and comments, its white space single blanks, its entities characters. */
export function withoutTags(text: string): string {
  const without = (source: string, open: string, close: string): string => {
    let out = ''
    let from = 0
    for (;;) {
      const start = source.indexOf(open, from)
      const end = start < 0 ? -1 : source.indexOf(close, start)
      if (end < 0) return out + source.slice(from)
      out += source.slice(from, start)
      from = end + close.length
    }
  }
  return unescapedText(
    without(without(text, '<!--', '-->'), '<', '>')
      .trim()
      .replace(/\s+/g, ' '),
  )
}

function missing(value: Value, name: Value): Undefined {
  if (typeof name === 'string') {
    if (name.startsWith('__')) return unsafe(value, name)
    return new Undefined(`'${typeOf(value)}' has no attribute ${quoted(name)}`)
  }
  return new Undefined(`${typeOf(value)} has no element ${typeof name === 'bigint' ? name : typeName(name)}`)
}

const typeOf = (value: Value): string => (value === null ? 'None' : `${typeName(value)} object`)

/** For names that stand for nothing. */
export const undefinedName = (name: string): Undefined => new Undefined(`'${name}' is undefined`)
