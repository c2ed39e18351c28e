import { bind, intOf } from './bind'
import type { Budget } from './budget'
import { typeError, UnsupportedInTemplate, valueError } from './failure'
import { areEqual } from './operators'
import { Callable, Dict, itemsOf, type Kwargs, Range, Tuple, typeName, Undefined, type Value, View } from './values'

type Method<T> = (budget: Budget, self: T, args: readonly Value[], kwargs: Kwargs) => Value

/** Methods that change a list or dict, which the sandbox lets nobody call. */
const changing: ReadonlySet<string> = new Set([
  ...['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  ...['popitem', 'setdefault', 'update'],
])

const sequenceMethods: Readonly<Record<string, Method<Value>>> = {
  count(budget, self, args, kwargs) {
    const [value] = bind('count', ['/value'], args, kwargs)
    return BigInt(itemsOf(self).filter((item) => areEqual(budget, item, value!)).length)
  },
  index(budget, self, args, kwargs) {
    const [value, start, stop] = bind('index', ['/value', '/start?', '/stop?'], args, kwargs)
    const items = itemsOf(self)
    const place = (at: number) => Math.max(0, at < 0 ? at + items.length : at)
    const end = Math.min(items.length, place(intOf(stop, items.length)))
    for (let i = place(intOf(start, 0)); i < end; i++) if (areEqual(budget, items[i]!, value!)) return BigInt(i)
    throw valueError('the value is not in the list')
  },
}

const dictMethods: Readonly<Record<string, Method<Dict>>> = {
  copy: (budget, self) => {
    budget.make(self.size)
    return new Dict(self.entries())
  },
  get(_, self, args, kwargs) {
    const [key, fallback] = bind('get', ['/key', '/default?'], args, kwargs)
    const found = self.get(key!)
    return found === undefined ? (fallback ?? null) : found
  },
  items: (budget, self) => {
    budget.through(self.size)
    return new View(
      'dict_items',
      self.entries().map((entry) => new Tuple(entry)),
    )
  },
  keys: (budget, self) => {
    budget.through(self.size)
    return new View('dict_keys', self.keys())
  },
  values: (budget, self) => {
    budget.through(self.size)
    return new View('dict_values', self.values())
  },
}

const numberMethods: Readonly<Record<string, Method<Value>>> = {
  bit_length: (_, self) => {
    if (typeof self === 'number') throw typeError("'float' object has no attribute 'bit_length'")
    const size = BigInt(self as bigint | boolean)
    return size === 0n ? 0n : BigInt((size < 0n ? -size : size).toString(2).length)
  },
  conjugate: (_, self) => (typeof self === 'boolean' ? BigInt(self) : self),
  is_integer: (_, self) => Number.isInteger(self),
}

/** What Python 3.11 has besides, and this engine has not. */
const unsupportedOf: Readonly<Record<string, ReadonlySet<string>>> = {
  int: new Set(['as_integer_ratio', 'bit_count', 'from_bytes', 'to_bytes']),
  float: new Set(['as_integer_ratio', 'fromhex', 'hex']),
  dict: new Set(['fromkeys']),
  dict_keys: new Set(['isdisjoint', 'mapping']),
  dict_items: new Set(['isdisjoint', 'mapping']),
  dict_values: new Set(['mapping']),
  generator: new Set(['send', 'throw', 'close']),
}

/** A method or attribute of what is no text; undefined where it has none of that name. */
export function collectionMethod(budget: Budget, value: Value, name: string): Value | undefined {
  const type = typeName(value)
  if ((Array.isArray(value) || value instanceof Dict) && changing.has(name) && isOwn(value, name))
    return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`, 'SecurityError')
  if (unsupportedOf[type === 'bool' ? 'int' : type]?.has(name))
    throw new UnsupportedInTemplate(`the attribute ${name} of ${type}`)
  const method = <T>(methods: Readonly<Record<string, Method<T>>>, self: T): Value | undefined => {
    const found = Object.hasOwn(methods, name) ? methods[name] : undefined
    return found && new Callable(name, (args, kwargs) => found(budget, self, args, kwargs))
  }
  if (value instanceof Dict) return method(dictMethods, value)
  if (Array.isArray(value) && name === 'copy') return new Callable('copy', () => [...value])
  if (Array.isArray(value) || value instanceof Tuple) return method(sequenceMethods, value)
  if (value instanceof Range) {
    if (name === 'start' || name === 'stop' || name === 'step') return value[name]
    return method(sequenceMethods, value)
  }
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') {
    const whole = typeof value === 'boolean' ? BigInt(value) : value
    if (name === 'real' || (name === 'numerator' && typeof whole === 'bigint')) return whole
    if (name === 'imag') return typeof whole === 'bigint' ? 0n : 0
    if (name === 'denominator' && typeof whole === 'bigint') return 1n
    if (name === (typeof whole === 'bigint' ? 'is_integer' : 'bit_length')) return undefined
    return method(numberMethods, value)
  }
  return undefined
}

/** Lists and dicts do not have all of these. */
const isOwn = (value: Value, name: string): boolean =>
  Array.isArray(value)
    ? !['popitem', 'setdefault', 'update'].includes(name)
    : ['clear', 'pop', 'popitem', 'setdefault', 'update'].includes(name)
