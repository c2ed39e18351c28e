import { typeError } from './failure'
import type { MacroNode } from './nodes'
import { Callable, Dict, type Kwargs, Tuple, Undefined, type Value } from './values'

/**
 * A macro, which binds its arguments as jinja2 does: left out ones are left to their defaults, and what is beyond them is
 * `varargs`, `kwargs` and `caller` where the body asks for these.
 */
export function macroOf(
  name: string,
  { parameters, uses }: MacroNode,
  write: (parameters: (readonly [string, Value | undefined])[]) => Value,
): Callable {
  const call = (args: readonly Value[], kwargs: Kwargs): Value => {
    const left = new Map(kwargs)
    const bound = parameters.map((parameter, i): readonly [string, Value | undefined] => {
      if (i < args.length) return [parameter.name, args[i]]
      const given = left.get(parameter.name)
      left.delete(parameter.name)
      return [parameter.name, given]
    })
    if (uses.caller) {
      bound.push(['caller', left.get('caller') ?? new Undefined('No caller defined')])
      left.delete('caller')
    }
    if (uses.kwargs) bound.push(['kwargs', new Dict(left)])
    else if (left.size > 0) throw typeError(`macro '${name}' takes no keyword argument '${[...left.keys()][0]}'`)
    if (uses.varargs) bound.push(['varargs', new Tuple(args.slice(parameters.length))])
    else if (args.length > parameters.length)
      throw typeError(`macro '${name}' takes not more than ${parameters.length} argument(s)`)
    return write(bound)
  }
  const attributes = new Map<string, Value>([
    ['name', name],
    ['arguments', new Tuple(parameters.map((parameter) => parameter.name))],
    ['caller', uses.caller],
    ['catch_kwargs', uses.kwargs],
    ['catch_varargs', uses.varargs],
  ])
  return new Callable(name, call, attributes)
}
