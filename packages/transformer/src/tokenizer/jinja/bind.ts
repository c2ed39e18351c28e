import { typeError } from './failure'
import { indexOf } from './operators'
import { isTrue, type Kwargs, textOf, typeName, type Value } from './values'

/**
 * A call's arguments in the order of the parameters, as Python binds them: undefined where one is left out that may be.
 *
 * @param name        of the function, for errors
 * @param parameters  `name`, `name?` where it may be left out; `/name` can be given by its place alone
 */
export function bind(
  name: string,
  parameters: readonly string[],
  args: readonly Value[],
  kwargs: Kwargs,
): (Value | undefined)[] {
  if (args.length > parameters.length)
    throw typeError(`${name}() takes at most ${parameters.length} arguments (${args.length} given)`)
  const bound: (Value | undefined)[] = [...args]
  const taken = new Set<string>()
  for (const [i, parameter] of parameters.entries()) {
    const key = parameter.replace(/^\/|\?$/g, '')
    const given = parameter.startsWith('/') ? undefined : kwargs.get(key)
    if (given !== undefined) {
      if (i < args.length) throw typeError(`${name}() got multiple values for argument '${key}'`)
      taken.add(key)
      bound[i] = given
    } else if (i >= args.length) {
      if (!parameter.endsWith('?')) throw typeError(`${name}() missing required argument: '${key}'`)
      bound[i] = undefined
    }
  }
  for (const key of kwargs.keys())
    if (!taken.has(key)) throw typeError(`${name}() got an unexpected keyword argument '${key}'`)
  return bound
}

/** An int among the arguments; `fallback` where it is left out, or None where that is allowed. */
export function intOf(value: Value | undefined, fallback: number, noneIsFallback = false): number {
  if (value === undefined || (noneIsFallback && value === null)) return fallback
  const index = indexOf(value)
  if (index === undefined) throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`)
  return index
}

/** A str among the arguments. */
export function stringOf(value: Value | undefined, fallback?: string): string {
  if (value === undefined && fallback !== undefined) return fallback
  const text = value === undefined ? undefined : textOf(value)
  if (text === undefined) throw typeError(`expected str, not ${value === undefined ? 'nothing' : typeName(value)}`)
  return text
}

export const flagOf = (value: Value | undefined, fallback = false): boolean =>
  value === undefined ? fallback : isTrue(value)
