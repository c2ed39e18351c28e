import { annotations, type JsonSchema, type SchemaObject, unsupportedSchema } from './keywords'

/**
 * A schema that asks for what two ask for together, where both can be said in one: properties and what is required join, bounds
 * become the narrower ones.
 *
 * @throws OutriderError UNSUPPORTED, by name, where they cannot
 */
export function merged(a: JsonSchema, b: JsonSchema, where: string): JsonSchema {
  if (a === true) return b
  if (b === true) return a
  if (a === false || b === false) return false
  const result: Record<string, unknown> = { ...a }
  for (const [keyword, value] of Object.entries(b)) {
    const mine = result[keyword]
    if (!Object.hasOwn(result, keyword) || mine === value || annotations.includes(keyword)) result[keyword] = value
    else result[keyword] = together(keyword, mine, value, where)
  }
  if (additionalOf(a) !== undefined || additionalOf(b) !== undefined) checkAdditional(a, b, where)
  return result
}

const additionalOf = (schema: SchemaObject) => schema.additionalProperties

/** What one says of all other properties holds for the other's, too: that is not followed. */
function checkAdditional(a: SchemaObject, b: SchemaObject, where: string): void {
  const names = ({ properties }: SchemaObject) => Object.keys((properties ?? {}) as object)
  const foreign = (one: SchemaObject, other: SchemaObject) =>
    additionalOf(one) !== undefined &&
    additionalOf(one) !== true &&
    names(other).some((name) => !names(one).includes(name))
  if (foreign(a, b) || foreign(b, a))
    throw unsupportedSchema('additionalProperties of one schema holds for the properties of another', where)
}

function together(keyword: string, a: unknown, b: unknown, where: string): unknown {
  switch (keyword) {
    case 'type': {
      const [mine, other] = [[a].flat(), [b].flat()]
      const both = mine.filter((type) => other.includes(type) || (type === 'integer' && other.includes('number')))
      const more = other.filter((type) => type === 'integer' && mine.includes('number') && !both.includes(type))
      return [...both, ...more]
    }
    case 'required':
      return [...new Set([...(a as string[]), ...(b as string[])])]
    case '$defs':
    case 'definitions':
      return { ...(a as object), ...(b as object) }
    case 'properties': {
      const [mine, other] = [a, b] as Record<string, JsonSchema>[]
      const all = Object.entries(other!).map(([name, schema]) => {
        return [name, Object.hasOwn(mine!, name) ? merged(mine![name]!, schema, `${where}/properties/${name}`) : schema]
      })
      return { ...mine, ...Object.fromEntries(all) }
    }
    case 'minimum':
    case 'exclusiveMinimum':
    case 'minLength':
    case 'minItems':
      return Math.max(a as number, b as number)
    case 'maximum':
    case 'exclusiveMaximum':
    case 'maxLength':
    case 'maxItems':
      return Math.min(a as number, b as number)
    default:
      if (JSON.stringify(a) === JSON.stringify(b)) return a
      throw unsupportedSchema(`two schemas hold together that both have ${keyword}`, where)
  }
}
