import { OutriderError } from '@outrider/tensor'
import { nearest } from '@outrider/tensor/internal'

/** A JSON schema, as parsed. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }
export type SchemaObject = Exclude<JsonSchema, boolean>

export const types = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const
export type Type = (typeof types)[number]

/** Keywords that say something of values of a type, and nothing of others. */
export const keywordsOfTypes: Readonly<Partial<Record<Type, readonly string[]>>> = {
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties', 'propertyNames'],
}

const structure = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', '$defs', 'definitions']

/** Keywords that constrain nothing. */
export const annotations: readonly string[] = [
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly', '$comment'],
  ...['$schema', '$id', 'contentMediaType', 'contentEncoding', 'strict', 'name'],
]

/** Keywords of JSON Schema that are not implemented, but for values that ask for nothing. */
const unsupported = new Map<string, unknown>([
  ...Object.entries({ not: false, unevaluatedProperties: true, unevaluatedItems: true, additionalItems: true }),
  ...Object.entries({ uniqueItems: false, contains: true, minProperties: 0, nullable: false }),
  ...[
    'if',
    'then',
    'else',
    'dependentRequired',
    'dependentSchemas',
    'dependencies',
    'patternProperties',
    'maxProperties',
  ]
    .concat('minContains', 'maxContains', 'multipleOf', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef')
    .concat('$recursiveAnchor', '$vocabulary', 'discriminator')
    .map((keyword) => [keyword, undefined] as const),
])

const known = [...structure, ...Object.values(keywordsOfTypes).flat()]

/**
 * Refuses what is not implemented by its name, rather than to pass over what is asked for.
 *
 * @param where  the place of the schema, as a JSON pointer from `#`
 */
export function checkKeywords(schema: SchemaObject, where: string): void {
  for (const [keyword, value] of Object.entries(schema)) {
    if (known.includes(keyword) || annotations.includes(keyword) || keyword.startsWith('x-')) continue
    const isKnown = unsupported.has(keyword)
    if (isKnown && unsupported.get(keyword) === value) continue
    if (isKnown) throw unsupportedSchema(`${keyword} is not supported`, where)
    const meant = nearest(keyword, [...known, ...unsupported.keys()])
    throw invalidSchema(`${JSON.stringify(keyword.slice(0, 100))} is no keyword that is known here`, where, {
      remedy: meant ? `Did you mean ${meant}?` : 'Leave it out, or let its name begin with x-.',
    })
  }
}

export const invalidSchema = (what: string, where: string, { remedy }: { remedy?: string } = {}) =>
  new OutriderError('INVALID_ARGUMENT', `The JSON schema is not usable: at ${place(where)}, ${what}.`, {
    remedy,
    details: { where },
  })

export const unsupportedSchema = (what: string, where: string, { remedy }: { remedy?: string } = {}) =>
  new OutriderError('UNSUPPORTED', `The JSON schema asks for more than is implemented: at ${place(where)}, ${what}.`, {
    remedy: remedy ?? 'Leave it out, and check the answer for it.',
    details: { where },
  })

const place = (where: string) => (where.length > 200 ? `${where.slice(0, 200)}…` : where)
