import { lookup } from './attributes'
import { bind } from './bind'
import { typeError } from './failure'
import { filters } from './filters'
import type { CompareOperator } from './nodes'
import { areSame, binary, compare, numberOf } from './operators'
import { toText } from './python-text'
import type { Runtime } from './runtime'
import { textMethods } from './text-methods'
import {
  Callable,
  Dict,
  Instance,
  isIterable,
  type Kwargs,
  Markup,
  Range,
  Tuple,
  textOf,
  Undefined,
  type Value,
} from './values'

type Test = (runtime: Runtime, value: Value, args: readonly Value[], kwargs: Kwargs) => boolean

/** A test that looks at the value alone. */
const of =
  (name: string, holds: (value: Value) => boolean): Test =>
  (_, value, args, kwargs) => {
    bind(name, [], args, kwargs)
    return holds(value)
  }

const compared =
  (operator: CompareOperator): Test =>
  ({ budget }, value, args, kwargs) =>
    compare(budget, operator, value, bind(operator, ['/other'], args, kwargs)[0]!)

function remainder({ budget }: Runtime, value: Value, by: Value): Value {
  return binary(budget, '%', value, by)
}

const isOfCase =
  (method: string): Test =>
  ({ budget }, value) =>
    textMethods[method]!(budget, toText(budget, value), [], new Map(), lookup) as boolean

const [equal, unequal] = [compared('=='), compared('!=')]
const [greater, less] = [compared('>'), compared('<')]
const [greaterOrEqual, lessOrEqual] = [compared('>='), compared('<=')]

/** Every test of jinja2 3.1. */
export const tests: Readonly<Record<string, Test>> = {
  odd: (runtime, value) => compare(runtime.budget, '==', remainder(runtime, value, 2n), 1n),
  even: (runtime, value) => compare(runtime.budget, '==', remainder(runtime, value, 2n), 0n),
  divisibleby: (runtime, value, args, kwargs) =>
    compare(runtime.budget, '==', remainder(runtime, value, bind('divisibleby', ['num'], args, kwargs)[0]!), 0n),
  defined: of('defined', (value) => !(value instanceof Undefined)),
  undefined: of('undefined', (value) => value instanceof Undefined),
  filter: (_, value) => Object.hasOwn(filters, nameOf(value)),
  test: (_, value) => Object.hasOwn(tests, nameOf(value)),
  none: of('none', (value) => value === null),
  boolean: of('boolean', (value) => typeof value === 'boolean'),
  false: of('false', (value) => value === false),
  true: of('true', (value) => value === true),
  integer: of('integer', (value) => typeof value === 'bigint'),
  float: of('float', (value) => typeof value === 'number'),
  lower: isOfCase('islower'),
  upper: isOfCase('isupper'),
  string: of('string', (value) => textOf(value) !== undefined),
  mapping: of('mapping', (value) => value instanceof Dict),
  number: of('number', (value) => numberOf(value) !== undefined),
  sequence: of(
    'sequence',
    (value) =>
      textOf(value) !== undefined ||
      Array.isArray(value) ||
      [Tuple, Dict, Range, Undefined].some((type) => value instanceof type),
  ),
  iterable: of('iterable', (value) => isIterable(value)),
  callable: of('callable', (value) => [Callable, Undefined].some((type) => value instanceof type) || hasCall(value)),
  sameas: (_, value, args, kwargs) => areSame(value, bind('sameas', ['other'], args, kwargs)[0]!),
  escaped: of('escaped', (value) => value instanceof Markup),
  in: ({ budget }, value, args, kwargs) => compare(budget, 'in', value, bind('in', ['seq'], args, kwargs)[0]!),
  '==': equal,
  eq: equal,
  equalto: equal,
  '!=': unequal,
  ne: unequal,
  '>': greater,
  gt: greater,
  greaterthan: greater,
  '>=': greaterOrEqual,
  ge: greaterOrEqual,
  '<': less,
  lt: less,
  lessthan: less,
  '<=': lessOrEqual,
  le: lessOrEqual,
}

const hasCall = (value: Value): boolean => value instanceof Instance && value.call !== undefined

function nameOf(value: Value): string {
  const name = textOf(value)
  if (name === undefined) throw typeError('a filter or test has a name')
  return name
}
