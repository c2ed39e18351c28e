import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { Grammar } from './grammar'
import { GrammarConstraint } from './grammar-constraint'
import { SchemaCompiler } from './json-schema/compile-schema'
import type { JsonSchema } from './json-schema/keywords'
import { jsonText, type WhiteSpace } from './json-text'

/** What answers are constrained for: a tokenizer, and the tokens that end a text. */
export type Constrained = Pick<PretrainedModel<CausalLM>, 'tokenizer' | 'generationConfig'>

export interface JsonConstraintOptions {
  /**
   * `compact` for none; `spaced` (the default) for a space, or a new line with up to 32 spaces or 16 tabs, where JSON may have
   * white space: as most models write it.
   */
  whiteSpace?: WhiteSpace
}

/**
 * Lets an answer be JSON that a schema describes (JSON Schema 2020-12): give it to `generate` as `constraint`. One constraint
 * serves any number of answers, which share what it has worked out.
 *
 * Supported: `type`, `enum`, `const`, `anyOf`, `oneOf` where no value can fit two of them, `allOf` where its schemas can be
 * joined, `$ref` within the schema (also to itself); `properties`, `required`, `additionalProperties`, `propertyNames`;
 * `items`, `prefixItems`, `minItems`, `maxItems`; `minLength`, `maxLength`, `pattern` without what looks around or refers back,
 * `format` (date, time, date-time, duration, uuid, ipv4, hostname, email, uri; beside a pattern it is a note); `minimum`,
 * `maximum` and their exclusive forms. Everything else is refused by its name.
 *
 * What is written is a part of what the schema allows: properties stand in its order, and those that it does not name are
 * written only where `additionalProperties` says so or it names none; without `type` a schema is of the types that its keywords
 * are about; numbers have 15 digits at most before and behind the point and two in the exponent, a number with bounds none.
 *
 * @throws OutriderError INVALID_ARGUMENT for what is no schema, contradicts itself or is too large; UNSUPPORTED for what is not
 *   implemented; both with the place in the schema
 */
export function jsonSchemaConstraint(
  { tokenizer, generationConfig }: Constrained,
  schema: JsonSchema,
  { whiteSpace = 'spaced' }: JsonConstraintOptions = {},
): GrammarConstraint {
  const grammar = new Grammar()
  const json = jsonText(grammar, whiteSpace)
  const root = grammar.rule(new SchemaCompiler(grammar, json, schema).part(schema, '#'))
  return GrammarConstraint.of(grammar, root, tokenizer, generationConfig.eosTokenIds)
}

/** Lets an answer be a JSON object of any kind. */
export function jsonObjectConstraint(pretrained: Constrained, options: JsonConstraintOptions = {}): GrammarConstraint {
  return jsonSchemaConstraint(pretrained, { type: 'object' }, options)
}
