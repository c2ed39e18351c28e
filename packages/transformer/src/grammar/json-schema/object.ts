import { complement } from '../characters'
import { type Grammar, type Part, tooLarge } from '../grammar'
import { stringCharacter } from '../json-text'
import { call, named, never, oneOf, repeated, sequence, text } from '../parts'
import type { SchemaContext } from './compile-schema'
import { invalidSchema, type JsonSchema, type SchemaObject, unsupportedSchema } from './keywords'

const maxProperties = 500

/**
 * An object: its properties in the order of the schema, then those that are required without being described, then others
 * where the schema allows them by `additionalProperties`, or describes none.
 */
export function objectPart(context: SchemaContext, schema: SchemaObject, where: string): Part {
  const { grammar, json, part } = context
  const { listed, others } = membersOf(context, schema, where)
  const { space } = json
  const colon = sequence(space, text(':'), space)
  const comma = sequence(text(','), space)
  return (_, from) => {
    const at = sequence(text('{'), space)(grammar, from)
    // Where nothing has been written yet, and where something has.
    let first: number | undefined = at
    let later: number | undefined
    const free = (from: number, to: number) => grammar.nodes[from]!.free.push(to)
    for (const { name, schema, required } of listed) {
      const member = grammar.rule(
        sequence(text(JSON.stringify(name)), colon, part(schema, `${where}/properties/${name}`), space),
      )
      const written = grammar.node()
      if (first !== undefined) free(call(member)(grammar, first), written)
      if (later !== undefined) free(sequence(comma, call(member))(grammar, later), written)
      if (later !== undefined && !required) free(later, written)
      if (required) first = undefined
      later = written
    }
    const end = grammar.node()
    if (others) {
      const member = grammar.rule(sequence(others.key, colon, others.value, space))
      const next = grammar.rule(sequence(comma, call(member)))
      if (first !== undefined) free(sequence(call(member), repeated(next))(grammar, first), end)
      if (later !== undefined) free(repeated(next)(grammar, later), end)
    } else if (later !== undefined) free(later, end)
    if (first !== undefined) free(first, end)
    return text('}')(grammar, end)
  }
}

interface Members {
  listed: { name: string; schema: JsonSchema; required: boolean }[]
  others: { key: Part; value: Part } | undefined
}

function membersOf({ grammar, json, part }: SchemaContext, schema: SchemaObject, where: string): Members {
  const { properties, required = [], additionalProperties, propertyNames } = schema
  if (properties !== undefined && !isRecord(properties)) throw invalidSchema('properties is no object', where)
  if (!Array.isArray(required) || required.some((name) => typeof name !== 'string'))
    throw invalidSchema('required is no list of names', where)
  const described = (properties ?? {}) as Record<string, JsonSchema>
  const open = additionalProperties ?? properties === undefined
  const rest = (additionalProperties ?? true) as JsonSchema
  const names = namesOf(propertyNames, where)
  const undescribed = [...new Set([...required, ...(names.list ?? [])])].filter(
    (name) => !Object.hasOwn(described, name),
  )
  const listed = [...Object.entries(described), ...undescribed.map((name) => [name, rest] as const)].map(
    ([name, schema]) => ({ name, schema, required: required.includes(name) }),
  )
  if (listed.length > maxProperties)
    throw tooLarge(`an object has ${listed.length} properties, more than ${maxProperties}`)
  if (names.schema !== undefined && listed.length > 0)
    throw unsupportedSchema('propertyNames beside properties is not supported', where)
  const isOpen = open !== false && !names.list
  if (!isOpen) return { listed, others: undefined }
  const key =
    names.schema !== undefined
      ? part(names.schema, `${where}/propertyNames`)
      : listed.length === 0
        ? json.string
        : otherKey(
            grammar,
            json.character,
            listed.map(({ name }) => name),
          )
  return { listed, others: { key, value: part(rest, `${where}/additionalProperties`) } }
}

/** Names that properties may have: nothing that is said, a list of them, or texts of a form. */
function namesOf(given: unknown, where: string): { list?: string[]; schema?: JsonSchema } {
  if (given === undefined || given === true) return {}
  if (!isRecord(given)) throw unsupportedSchema('propertyNames is no schema of names', where)
  const { type, enum: list, ...others } = given
  if (type !== undefined && type !== 'string') throw unsupportedSchema('propertyNames is no schema of texts', where)
  if (Array.isArray(list) && list.every((name) => typeof name === 'string')) return { list }
  return Object.keys(others).length === 0 ? {} : { schema: { type: 'string', ...others } }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A name that is none of some. Where it could still become one of them, its characters are written plainly. */
function otherKey(grammar: Grammar, character: Part, names: readonly string[]): Part {
  const rest = sequence(repeated(grammar.kept('json one character', character)), text('"'))
  const after = (left: readonly (readonly number[])[]): Part => {
    const next = [...new Set(left.filter(({ length }) => length > 0).map(([point]) => point!))]
    const others = complement(next.map((point) => [point, point] as const))
    return oneOf(
      left.some(({ length }) => length === 0) ? never : text('"'),
      sequence(named(grammar, `character ${JSON.stringify(others)}`, stringCharacter(others)), rest),
      ...next.map((point) =>
        sequence(
          stringCharacter([[point, point]]),
          after(left.filter(([first]) => first === point).map((points) => points.slice(1))),
        ),
      ),
    )
  }
  return sequence(text('"'), after(names.map((name) => Array.from(name, (character) => character.codePointAt(0)!))))
}
