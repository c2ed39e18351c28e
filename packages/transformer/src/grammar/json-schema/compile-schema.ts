import { type Grammar, type Part, type Rule, tooLarge } from '../grammar'
import { type JsonText, oneOfValues } from '../json-text'
import { call, never, oneOf } from '../parts'
import { arrayPart } from './array'
import { areDisjoint, typeOf } from './disjoint'
import {
  annotations,
  checkKeywords,
  invalidSchema,
  type JsonSchema,
  keywordsOfTypes,
  type SchemaObject,
  type Type,
  types,
  unsupportedSchema,
} from './keywords'
import { merged } from './merge'
import { integerPart, numberPart } from './number'
import { objectPart } from './object'
import { stringPart } from './string'

/** Schemas within one another, and schemas altogether: more is refused. */
const maxDepth = 64
const maxSchemas = 20_000
const maxAlternatives = 500

/** What the parts of a schema are made with. */
export interface SchemaContext {
  grammar: Grammar
  json: JsonText
  /** A schema within this one. */
  part: (schema: JsonSchema, where: string) => Part
}

/** Turns a schema, and those that it refers to, into rules of a grammar: one for each, so that they may refer to themselves. */
export class SchemaCompiler {
  readonly #grammar: Grammar
  readonly #json: JsonText
  readonly #root: JsonSchema
  readonly #rules = new Map<SchemaObject, Rule>()
  #depth = 0

  /** @param root  the schema that references are looked up in */
  constructor(grammar: Grammar, json: JsonText, root: JsonSchema) {
    this.#grammar = grammar
    this.#json = json
    this.#root = root
  }

  /** @param where  the place of the schema, for errors */
  part(schema: JsonSchema, where: string): Part {
    if (schema === true) return this.#json.value
    if (schema === false) return never
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
      throw invalidSchema('there is no schema: an object, true or false', where)
    return call(this.#rules.get(schema) ?? this.#made(schema, where))
  }

  #made(schema: SchemaObject, where: string): Rule {
    if (this.#rules.size >= maxSchemas) throw tooLarge(`it has more than ${maxSchemas} schemas`)
    if (this.#depth >= maxDepth) throw tooLarge(`more than ${maxDepth} schemas are within one another`)
    checkKeywords(schema, where)
    const rule = this.#grammar.declare()
    this.#rules.set(schema, rule)
    this.#depth++
    this.#grammar.define(rule, this.#described(schema, where))
    this.#depth--
    return rule
  }

  #described(schema: SchemaObject, where: string): Part {
    if (schema.$ref !== undefined) return this.part(this.#withoutReference(schema, where), where)
    const { allOf, anyOf, oneOf: one, ...rest } = schema
    if (allOf !== undefined) {
      const parts = alternatives(allOf, `${where}/allOf`)
      const others = rest as SchemaObject
      const base: SchemaObject = {
        ...others,
        ...(anyOf !== undefined && { anyOf }),
        ...(one !== undefined && { oneOf: one }),
      }
      const all = parts.reduce<JsonSchema>((sum, part) => merged(sum, this.#resolved(part, where), where), base)
      return this.part(all, where)
    }
    if (anyOf !== undefined)
      return this.#anyOf(anyOf, one === undefined ? rest : { ...rest, oneOf: one }, `${where}/anyOf`)
    if (one !== undefined) {
      this.#checkDisjoint(one, `${where}/oneOf`)
      return this.#anyOf(one, rest, `${where}/oneOf`)
    }
    if (Object.hasOwn(schema, 'const') || schema.enum !== undefined) return this.#listed(schema, where)
    return this.#typed(schema, where)
  }

  #anyOf(given: unknown, rest: SchemaObject, where: string): Part {
    const others = Object.keys(rest).some(
      (key) => !annotations.includes(key) && key !== '$defs' && key !== 'definitions',
    )
    return oneOf(
      ...alternatives(given, where).map((schema, at) => {
        const place = `${where}/${at}`
        return this.part(others ? merged(rest, this.#resolved(schema, place), place) : schema, place)
      }),
    )
  }

  #checkDisjoint(given: unknown, where: string): void {
    const all = alternatives(given, where)
    for (const [a, one] of all.entries())
      for (const [b, other] of all.slice(0, a).entries())
        if (!areDisjoint(one, other, (schema) => this.#resolved(schema, where)))
          throw unsupportedSchema(`a value may fit both ${b} and ${a} of oneOf`, where, {
            remedy: 'Tell them apart by a required property with a const of its own, or write anyOf.',
          })
  }

  /** Values that are written out. */
  #listed(schema: SchemaObject, where: string): Part {
    const { enum: list, const: value, type, ...rest } = schema
    if (list !== undefined && (!Array.isArray(list) || list.length === 0))
      throw invalidSchema('enum is no list of values', where)
    const other = Object.keys(rest).find(
      (key) => !annotations.includes(key) && key !== '$defs' && key !== 'definitions',
    )
    if (other !== undefined) throw unsupportedSchema(`${other} beside enum or const is not supported`, where)
    const allowed = typesOf(schema, where)
    const fits = (one: unknown) =>
      type === undefined ||
      allowed.includes(typeOf(one)) ||
      (typeof one === 'number' && Number.isInteger(one) && allowed.includes('integer'))
    const values = Object.hasOwn(schema, 'const')
      ? (list as unknown[] | undefined)?.some((one) => JSON.stringify(one) === JSON.stringify(value)) === false
        ? []
        : [value]
      : (list as unknown[])
    return oneOfValues(this.#json.space, values.filter(fits))
  }

  #typed(schema: SchemaObject, where: string): Part {
    const context = { grammar: this.#grammar, json: this.#json, part: this.part.bind(this) }
    const named = typesOf(schema, where)
    // A whole number is a number.
    const distinct = named.filter((type) => type !== 'integer' || !named.includes('number'))
    const writers: Record<Type, () => Part> = {
      null: () => oneOfValues(this.#json.space, [null]),
      boolean: () => oneOfValues(this.#json.space, [true, false]),
      integer: () => integerPart(context, schema, where),
      number: () => numberPart(context, schema, where),
      string: () => stringPart(context, schema, where),
      array: () => arrayPart(context, schema, where),
      object: () => objectPart(context, schema, where),
    }
    return oneOf(...distinct.map((type) => writers[type]()))
  }

  /** A schema without references at its head. */
  #resolved(schema: JsonSchema, where: string): JsonSchema {
    let at = schema
    for (let steps = 0; typeof at === 'object' && at !== null && at.$ref !== undefined; steps++) {
      if (steps > maxDepth) throw invalidSchema('a reference leads to itself', where)
      at = this.#withoutReference(at, where)
    }
    return at
  }

  #withoutReference(schema: SchemaObject, where: string): JsonSchema {
    const { $ref, $defs, definitions, ...rest } = schema
    const target = this.#target($ref, where)
    const others = Object.keys(rest).some((key) => !annotations.includes(key))
    return others ? merged(rest, target, where) : target
  }

  /** What a reference stands for: a JSON pointer (RFC 6901) within the schema. */
  #target(reference: unknown, where: string): JsonSchema {
    if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference))
      throw unsupportedSchema('$ref leads out of the schema, or is no JSON pointer', where, {
        remedy: 'Write what it stands for into $defs, and refer to "#/$defs/NAME".',
      })
    let at: unknown = this.#root
    for (const step of reference.split('/').slice(1)) {
      const key = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
      at =
        typeof at === 'object' && at !== null && Object.hasOwn(at, key)
          ? (at as Record<string, unknown>)[key]
          : undefined
    }
    if (at === undefined) throw invalidSchema(`${JSON.stringify(reference.slice(0, 100))} leads to nothing`, where)
    return at as JsonSchema
  }
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

function alternatives(given: unknown, where: string): JsonSchema[] {
  if (!Array.isArray(given) || given.length === 0) throw invalidSchema('there is no list of schemas', where)
  if (given.length > maxAlternatives)
    throw tooLarge(`it has ${given.length} alternatives at once, more than ${maxAlternatives}`)
  return given
}

/** Types that a schema names; without any, those that its keywords are about; without such, all. */
function typesOf(schema: SchemaObject, where: string): Type[] {
  if (schema.type !== undefined) {
    const named = [schema.type].flat() as Type[]
    const wrong = named.find((type) => !types.includes(type))
    if (wrong !== undefined) throw invalidSchema(`${JSON.stringify(wrong)} is no type`, where)
    return named
  }
  const about = Object.entries(keywordsOfTypes).filter(([, keywords]) =>
    keywords.some((keyword) => Object.hasOwn(schema, keyword)),
  )
  return about.length === 0 ? [...types] : (about.map(([type]) => type) as Type[])
}
