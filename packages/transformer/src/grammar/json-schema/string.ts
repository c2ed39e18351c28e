import { formats } from '../formats'
import type { Part } from '../grammar'
import { repeated, sequence, text } from '../parts'
import { matchingCharacters } from '../pattern'
import type { SchemaContext } from './compile-schema'
import { invalidSchema, type SchemaObject, unsupportedSchema } from './keywords'

export function stringPart({ grammar, json }: SchemaContext, schema: SchemaObject, where: string): Part {
  const { pattern, format, minLength, maxLength } = schema
  if (pattern !== undefined && typeof pattern !== 'string') throw invalidSchema('pattern is no text', where)
  // A pattern says more than a format, which JSON Schema takes for a note (2020-12, §7.2.1).
  const expression = pattern ?? (format === undefined ? undefined : expressionOf(format, where))
  if (expression === undefined && minLength === undefined && maxLength === undefined) return json.string
  if (expression === undefined) {
    const [min, max] = [count(schema, 'minLength', where) ?? 0, count(schema, 'maxLength', where)]
    return quoted(repeated(grammar.kept('json one character', json.character), min, max))
  }
  if (minLength !== undefined || maxLength !== undefined)
    throw unsupportedSchema(
      `minLength or maxLength beside ${pattern === undefined ? 'format' : 'pattern'} is not supported`,
      where,
      {
        remedy: 'Say the length in the pattern, as in ^[a-z]{2,5}$.',
      },
    )
  return quoted(matchingCharacters(grammar, expression))
}

const quoted = (inside: Part) => sequence(text('"'), inside, text('"'))

function expressionOf(format: unknown, where: string): string {
  const name = String(format)
  if (Object.hasOwn(formats, name)) return formats[name]!
  throw unsupportedSchema(`the format ${JSON.stringify(name.slice(0, 100))} is not supported`, where, {
    remedy: `Supported are ${Object.keys(formats).join(', ')}; or give a pattern.`,
  })
}

/** A count of characters or items. */
export function count(schema: SchemaObject, keyword: string, where: string): number | undefined {
  const value = schema[keyword]
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && (value as number) >= 0) return Math.min(value as number, mostCounted)
  throw invalidSchema(`${keyword} is no whole number from 0 on`, where)
}

/** Nothing that is said has as many parts. */
const mostCounted = 1e9
