import { bind, intOf, stringOf } from './bind'
import type { Budget } from './budget'
import { TemplateFailure, typeError, UnsupportedInTemplate, valueError } from './failure'
import { toText } from './python-text'
import { strftime } from './strftime'
import { Callable, Dict, Instance, itemsOf, type Kwargs, Namespace, Range, type Value } from './values'

/** Of two characters of a format: `%c`. */
const longestField = 12

/** The largest range of jinja2's sandbox. */
const mostOfRange = 100_000

/** What a template finds without being given it: jinja2's, and what transformers adds. */
export function globalsOf(budget: Budget): ReadonlyMap<string, Value> {
  const define = (name: string, call: Callable['call'], attributes: [string, Value][] = []) =>
    [name, new Callable(name, call, new Map(attributes))] as const
  const dict = (args: readonly Value[], kwargs: Kwargs): Dict => {
    if (args.length > 1) throw typeError(`dict expected at most 1 argument, got ${args.length}`)
    const given = args.length === 0 ? [] : pairsOf(args[0]!)
    budget.make(given.length + kwargs.size)
    return new Dict([...given, ...kwargs])
  }
  const fromKeys = new Callable('fromkeys', (args, kwargs) => {
    const [keys, value = null] = bind('fromkeys', ['/iterable', '/value?'], args, kwargs)
    const items = itemsOf(keys!)
    budget.make(items.length)
    return new Dict(items.map((key) => [key, value]))
  })
  return new Map<string, Value>([
    define('range', (args, kwargs) => {
      bind('range', ['/start', '/stop?', '/step?'], args, kwargs)
      const [first = 0, stop, step = 1] = args.map((value) => intOf(value, 0))
      const [from, to] = stop === undefined ? [0, first] : [first, stop]
      if (step === 0) throw valueError('range() arg 3 must not be zero')
      const range = new Range(BigInt(from), BigInt(to), BigInt(step))
      budget.hold(range.length)
      if (range.length > mostOfRange)
        throw valueError(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${mostOfRange})`)
      return range
    }),
    define('dict', dict, [['fromkeys', fromKeys]]),
    define('namespace', (args, kwargs) => {
      const namespace = new Namespace()
      for (const [key, value] of dict(args, kwargs).entries())
        setAttribute(namespace, typeof key === 'string' ? key : toText(budget, key), value)
      return namespace
    }),
    define('cycler', (args) => new Cycler(args)),
    define('joiner', (args, kwargs) => new Joiner(toText(budget, bind('joiner', ['sep?'], args, kwargs)[0] ?? ', '))),
    define('lipsum', () => {
      throw new UnsupportedInTemplate('the function lipsum')
    }),
    define('raise_exception', (args, kwargs) => {
      const [message] = bind('raise_exception', ['message'], args, kwargs)
      throw new TemplateFailure(toText(budget, message!), 'TemplateError')
    }),
    define('strftime_now', (args, kwargs) => {
      const format = stringOf(bind('strftime_now', ['format'], args, kwargs)[0])
      budget.make(format.length * longestField)
      return strftime(format, new Date())
    }),
  ])
}

function pairsOf(value: Value): (readonly [Value, Value])[] {
  if (value instanceof Dict) return value.entries()
  return itemsOf(value).map((pair, i) => {
    const items = itemsOf(pair)
    if (items.length !== 2)
      throw valueError(`dictionary update sequence element #${i} has length ${items.length}; 2 is required`)
    return [items[0]!, items[1]!] as const
  })
}

/** `{% set namespace.name = value %}` */
export function setAttribute(namespace: Namespace, name: string, value: Value): void {
  if (name.startsWith('_'))
    throw new TemplateFailure(
      `Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${name}'. Please rename the attribute`,
      'SecurityError',
    )
  namespace.attributes.set(name, value)
}

/** Goes through its values again and again. */
class Cycler extends Instance {
  readonly typeName = 'Cycler'
  readonly call = undefined
  readonly #items: readonly Value[]
  #at = 0

  constructor(items: readonly Value[]) {
    super()
    if (items.length === 0) throw typeError('at least one item has to be provided')
    this.#items = items
  }

  attribute(name: string): Value | undefined {
    switch (name) {
      case 'current':
        return this.#items[this.#at]
      case 'pos':
        return BigInt(this.#at)
      case 'next':
        return new Callable('next', () => {
          const item = this.#items[this.#at]!
          this.#at = (this.#at + 1) % this.#items.length
          return item
        })
      case 'reset':
        return new Callable('reset', () => {
          this.#at = 0
          return null
        })
    }
    return undefined
  }
}

/** Nothing the first time, its text ever after. */
class Joiner extends Instance {
  readonly typeName = 'Joiner'
  #isUsed = false
  readonly call: Callable['call']

  constructor(readonly text: string) {
    super()
    this.call = () => {
      if (this.#isUsed) return this.text
      this.#isUsed = true
      return ''
    }
  }

  attribute(name: string): Value | undefined {
    if (name === 'sep') return this.text
    return name === 'used' ? this.#isUsed : undefined
  }
}
