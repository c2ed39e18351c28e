import type { Part } from '../grammar'
import { listOf } from '../json-text'
import { never, nothing, oneOf, repeated, sequence, text } from '../parts'
import type { SchemaContext } from './compile-schema'
import { invalidSchema, type JsonSchema, type SchemaObject, unsupportedSchema } from './keywords'
import { count } from './string'

/** Items before the others: more is refused. */
const maxPrefix = 500

/** A list. One with `prefixItems` is written whole, unless `minItems` says that less is enough, and ends there without `items`. */
export function arrayPart({ grammar, json, part }: SchemaContext, schema: SchemaObject, where: string): Part {
  const { items, prefixItems } = schema
  if (Array.isArray(items))
    throw unsupportedSchema('items as a list is not supported', where, { remedy: 'Write prefixItems.' })
  const [min, max] = [count(schema, 'minItems', where), count(schema, 'maxItems', where) ?? Number.POSITIVE_INFINITY]
  const item = () => part((items ?? true) as JsonSchema, `${where}/items`)
  if (prefixItems === undefined || (Array.isArray(prefixItems) && prefixItems.length === 0))
    return items === undefined && min === undefined && max === Number.POSITIVE_INFINITY
      ? json.array
      : listOf(grammar, json.space, item(), '[]', [min ?? 0, max])
  if (!Array.isArray(prefixItems) || prefixItems.length > maxPrefix)
    throw invalidSchema(`prefixItems is no list of at most ${maxPrefix} schemas`, where)
  const first = prefixItems.slice(0, max) as JsonSchema[]
  const least = min ?? first.length
  const comma = sequence(text(','), json.space)
  const others =
    items === undefined || items === false
      ? least > first.length
        ? never
        : nothing
      : repeated(
          grammar.rule(sequence(first.length > 0 ? comma : nothing, item(), json.space)),
          Math.max(0, least - first.length),
          max - first.length,
        )
  // From the last to the first: what follows an item is left out with it.
  const inside = first.reduceRight<Part>((rest, one, at) => {
    const written = sequence(at > 0 ? comma : nothing, part(one, `${where}/prefixItems/${at}`), json.space, rest)
    return at < least ? written : oneOf(written, nothing)
  }, others)
  return sequence(text('['), json.space, inside, text(']'))
}
