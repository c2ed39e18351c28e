import type { Part } from '../grammar'
import { type Bounds, decimals, wholeNumbers } from '../number-ranges'
import type { SchemaContext } from './compile-schema'
import { invalidSchema, type SchemaObject, unsupportedSchema } from './keywords'

export function integerPart({ grammar, json }: SchemaContext, schema: SchemaObject, where: string): Part {
  const bounds = boundsOf(schema, where)
  return bounds ? wholeNumbers(grammar, bounds) : json.integer
}

export function numberPart({ grammar, json }: SchemaContext, schema: SchemaObject, where: string): Part {
  const bounds = boundsOf(schema, where)
  if (!bounds) return json.number
  const part = decimals(grammar, bounds)
  if (!part) throw unsupportedSchema('a number has a bound beyond 1e9 or with an exponent', where)
  return part
}

function boundsOf(schema: SchemaObject, where: string): Bounds | undefined {
  const bound = (keyword: string) => {
    const value = schema[keyword]
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
    throw invalidSchema(`${keyword} is no number`, where)
  }
  const [min, max] = [bound('minimum') ?? Number.NEGATIVE_INFINITY, bound('maximum') ?? Number.POSITIVE_INFINITY]
  const [above, below] = [
    bound('exclusiveMinimum') ?? Number.NEGATIVE_INFINITY,
    bound('exclusiveMaximum') ?? Number.POSITIVE_INFINITY,
  ]
  const isBound = [min, max, above, below].some(Number.isFinite)
  return isBound
    ? { min: Math.max(min, above), max: Math.min(max, below), aboveMin: above >= min, belowMax: below <= max }
    : undefined
}
