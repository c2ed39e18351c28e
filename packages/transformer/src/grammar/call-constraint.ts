import { Grammar, type Part } from './grammar'
import { GrammarConstraint } from './grammar-constraint'
import type { Constrained, JsonConstraintOptions } from './json-constraint'
import { SchemaCompiler } from './json-schema/compile-schema'
import type { JsonSchema } from './json-schema/keywords'
import { jsonText } from './json-text'
import { call, nothing, oneOfTexts, repeated, sequence, text, token } from './parts'

/** How a model writes its calls of functions: each an object with a name and arguments, between texts and special tokens. */
export interface CallForm {
  /** Before the first call, and after the last. */
  begin: string
  end: string
  /** Around every call, and between two. */
  open: string
  close: string
  between: string
  /** The key of what a function is called with. */
  argumentsKey: 'arguments' | 'parameters'
}

/** A function that may be called. */
export interface CallableFunction {
  name: string
  /** The schema of its arguments, an object; without one it takes none. */
  parameters?: JsonSchema | undefined
}

/**
 * Lets an answer be one call of the given functions, or several: in the model's form, with arguments that fit the function's
 * schema.
 *
 * @param functions         at least one
 * @param options.parallel  whether there may be several. Default one
 * @throws OutriderError as `jsonSchemaConstraint`
 */
export function functionCallConstraint(
  { tokenizer, generationConfig }: Constrained,
  form: CallForm,
  functions: readonly CallableFunction[],
  { parallel = false, whiteSpace = 'spaced' }: JsonConstraintOptions & { parallel?: boolean } = {},
): GrammarConstraint {
  const grammar = new Grammar()
  const json = jsonText(grammar, whiteSpace)
  const written = (marks: string) => withTokens(marks, tokenizer.specialTokens)
  const { space } = json
  const comma = sequence(space, text(','), space, text(`"${form.argumentsKey}"`), space, text(':'), space)
  const ways = functions.map(({ name, parameters = noArguments }) => {
    const compiler = new SchemaCompiler(grammar, json, parameters)
    return [JSON.stringify(name), sequence(comma, compiler.part(parameters, `#/${name}`))] as const
  })
  const object = sequence(text('{'), space, text('"name"'), space, text(':'), space, oneOfTexts(ways), space, text('}'))
  const one = grammar.rule(sequence(written(form.open), object, written(form.close)))
  const more = parallel ? repeated(grammar.rule(sequence(written(form.between), call(one)))) : nothing
  const root = grammar.rule(sequence(written(form.begin), call(one), more, written(form.end)))
  return GrammarConstraint.of(grammar, root, tokenizer, generationConfig.eosTokenIds)
}

const noArguments = { type: 'object', properties: {}, additionalProperties: false }

/** A text in which special tokens stand by their names. */
function withTokens(marks: string, tokens: ReadonlyMap<string, number>): Part {
  const parts: Part[] = []
  for (let rest = marks; rest !== ''; ) {
    const found = [...tokens].filter(([piece]) => piece !== '' && rest.includes(piece))
    const [first] = found.sort(([a], [b]) => rest.indexOf(a) - rest.indexOf(b) || b.length - a.length)
    const at = first ? rest.indexOf(first[0]) : rest.length
    parts.push(text(rest.slice(0, at)))
    if (first) parts.push(token(first[1]))
    rest = rest.slice(at + (first?.[0].length ?? 0))
  }
  return sequence(...parts)
}
