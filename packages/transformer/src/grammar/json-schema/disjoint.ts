import { type JsonSchema, type SchemaObject, type Type, types } from './keywords'

/**
 * Whether no value can fit both of two schemas, as far as that is seen at once: their types, the values that they list, a
 * property that both require and that tells them apart, or one that only one of them may have.
 */
export function areDisjoint(
  a: JsonSchema,
  b: JsonSchema,
  resolve: (schema: JsonSchema) => JsonSchema,
  depth = 0,
): boolean {
  const [one, other] = [resolve(a), resolve(b)]
  if (one === false || other === false) return true
  if (one === true || other === true || depth > 8) return false
  const [mine, others] = [valuesOf(one), valuesOf(other)]
  if (mine && others) return mine.every((value) => !others.includes(value))
  const shared = typesOf(one).filter((type) => typesOf(other).includes(type))
  if (shared.length === 0) return true
  if (shared.some((type) => type !== 'object')) return false
  const [first, second] = [propertiesOf(one), propertiesOf(other)]
  const lacks = (a: SchemaObject, b: SchemaObject) =>
    a.additionalProperties === false && requiredOf(b).some((name) => !Object.hasOwn(propertiesOf(a), name))
  if (lacks(one, other) || lacks(other, one)) return true
  return requiredOf(one).some(
    (name) =>
      requiredOf(other).includes(name) &&
      Object.hasOwn(first, name) &&
      Object.hasOwn(second, name) &&
      areDisjoint(first[name]!, second[name]!, resolve, depth + 1),
  )
}

const propertiesOf = ({ properties }: SchemaObject) => (properties ?? {}) as Record<string, JsonSchema>
const requiredOf = ({ required }: SchemaObject) => (required ?? []) as string[]

/** Values that a schema lists, as texts. */
function valuesOf(schema: SchemaObject): string[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [JSON.stringify(schema.const)]
  return Array.isArray(schema.enum) ? schema.enum.map((value) => JSON.stringify(value)) : undefined
}

/** Types that a schema allows by name; whole numbers are numbers. */
function typesOf(schema: SchemaObject): Type[] {
  const values = Object.hasOwn(schema, 'const') ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined
  const named = (values?.map(typeOf) ?? (schema.type === undefined ? types : [schema.type].flat())) as Type[]
  return named.includes('number') || named.includes('integer') ? [...named, 'number', 'integer'] : named
}

export function typeOf(value: unknown): Type {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value as Type
}
