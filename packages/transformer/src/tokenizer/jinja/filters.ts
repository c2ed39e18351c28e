import { ownAttribute } from './attributes'
import { bind, flagOf, stringOf } from './bind'
import { UnsupportedInTemplate } from './failure'
import { listFilters } from './list-filters'
import { numberFilters } from './number-filters'
import type { Runtime } from './runtime'
import { textFilters } from './text-filters'
import { isTrue, type Kwargs, Undefined, type Value } from './values'

export type Filter = (runtime: Runtime, value: Value, args: readonly Value[], kwargs: Kwargs) => Value

const fallback: Filter = (_, value, args, kwargs) => {
  const [instead = '', boolean] = bind('default', ['default_value?', 'boolean?'], args, kwargs)
  return value instanceof Undefined || (flagOf(boolean) && !isTrue(value)) ? instead : value
}

const refused =
  (name: string): Filter =>
  () => {
    throw new UnsupportedInTemplate(`the filter ${name}`)
  }

/** Every filter of jinja2 3.1, `tojson` as transformers has it. */
export const filters: Readonly<Record<string, Filter>> = {
  ...textFilters,
  ...listFilters,
  ...numberFilters,
  attr({ budget }, value, args, kwargs) {
    const name = stringOf(bind('attr', ['name'], args, kwargs)[0])
    const own = ownAttribute(budget, value, name)
    return own === undefined ? new Undefined(`the value has no attribute '${name}'`) : own
  },
  d: fallback,
  default: fallback,
  pprint: refused('pprint'),
  random: refused('random'),
  urlize: refused('urlize'),
  wordwrap: refused('wordwrap'),
}
