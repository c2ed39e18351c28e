import { complement, type Range, utf8Character, without } from './characters'
import type { Grammar, Part } from './grammar'
import { call, named, nothing, oneOf, oneOfTexts, optional, repeated, sequence, symbols, text } from './parts'

/** JSON's texts (RFC 8259) as parts of a grammar. */
export interface JsonText {
  /** Where white space may stand. */
  space: Part
  /** Any value. */
  value: Part
  /** Any object, and any list. */
  object: Part
  array: Part
  string: Part
  /** One character of a string, as it stands or escaped: one code point. */
  character: Part
  number: Part
  integer: Part
}

/**
 * White space between what JSON is made of: none; or a space, or a new line with up to 32 spaces or 16 tabs. More would be JSON
 * as well, and a model that has begun with it may not find its way out.
 */
export type WhiteSpace = 'compact' | 'spaced'

/** Digits of numbers before and behind the point, and those of integers: 64-bit floats hold 15 in every case (IEEE 754). */
export const mostDigits = 15

/** The parts of JSON, which share their rules. */
export function jsonText(grammar: Grammar, whiteSpace: WhiteSpace): JsonText {
  const one = (name: string, part: Part) => named(grammar, `json ${name}`, part)
  const space = whiteSpace === 'compact' ? nothing : one('space', spaces(grammar))
  const character = one('character', anyCharacter)
  const characters = repeated(grammar.kept('json character', anyCharacter))
  const string = one('string', sequence(text('"'), characters, text('"')))
  const digits = (min: number, max: number) => repeated(grammar.kept('json digit', digit), min, max)
  const whole = one(
    'whole',
    sequence(optional(text('-')), oneOf(text('0'), sequence(symbols(0x31, 0x39), digits(0, mostDigits - 1)))),
  )
  const fraction = sequence(text('.'), digits(1, mostDigits))
  const exponent = sequence(oneOf(text('e'), text('E')), optional(oneOf(text('+'), text('-'))), digits(1, 2))
  const number = one('number', sequence(whole, optional(fraction), optional(exponent)))
  // A value holds lists and objects, which hold values: their rules are named before they are defined.
  const value = grammar.kept('json value', (grammar, from) => {
    const anything = call(grammar.kept('json value', nothing))
    const array = grammar.kept('json array', listOf(grammar, space, anything))
    const member = sequence(string, space, text(':'), space, anything)
    const object = grammar.kept('json object', listOf(grammar, space, member, '{}'))
    const simple = oneOfTexts([['true'], ['false'], ['null']])
    return oneOf(simple, number, string, call(array), call(object))(grammar, from)
  })
  const known = (name: string) => call(grammar.kept(`json ${name}`, nothing))
  return {
    space,
    value: call(value),
    object: known('object'),
    array: known('array'),
    string,
    character,
    number,
    integer: whole,
  }
}

/** Items between brackets, with commas. */
export function listOf(
  grammar: Grammar,
  space: Part,
  item: Part,
  brackets: '[]' | '{}' = '[]',
  [min, max]: readonly [min: number, max: number] = [0, Number.POSITIVE_INFINITY],
): Part {
  const [open, close] = [...brackets] as [string, string]
  const next = grammar.rule(sequence(text(','), space, item, space))
  const items = sequence(item, space, repeated(next, Math.max(0, min - 1), max - 1))
  const inside = max === 0 ? nothing : min === 0 ? optional(items) : items
  return sequence(text(open), space, inside, text(close))
}

const digit = symbols(0x30, 0x39)

function spaces(grammar: Grammar): Part {
  const indented = (character: string, most: number) =>
    repeated(grammar.kept(`json indent ${most}`, text(character)), 0, most)
  return optional(oneOf(text(' '), sequence(text('\n'), oneOf(indented(' ', 32), indented('\t', 16)))))
}

const quote = 0x22
const backslash = 0x5c
const controls: Range = [0, 0x1f]

const hex = (...digits: (readonly [low: string, high: string])[]): Part =>
  oneOf(...digits.map(([low, high]) => symbols(low.charCodeAt(0), high.charCodeAt(0))))
const anyHex = hex(['0', '9'], ['a', 'f'], ['A', 'F'])
/** Four digits of a character that is no half of one; and those of two halves. */
const escapedPoint = oneOf(
  sequence(hex(['0', '9'], ['a', 'c'], ['A', 'C'], ['e', 'f'], ['E', 'F']), anyHex, anyHex, anyHex),
  sequence(hex(['d', 'd'], ['D', 'D']), hex(['0', '7']), anyHex, anyHex),
  sequence(
    sequence(hex(['d', 'd'], ['D', 'D']), hex(['8', '9'], ['a', 'b'], ['A', 'B']), anyHex, anyHex, text('\\u')),
    sequence(hex(['d', 'd'], ['D', 'D']), hex(['c', 'f'], ['C', 'F']), anyHex, anyHex),
  ),
)
const shortEscapes: readonly (readonly [character: number, letter: string])[] = [
  [quote, '"'],
  [backslash, '\\'],
  [0x08, 'b'],
  [0x0c, 'f'],
  [0x0a, 'n'],
  [0x0d, 'r'],
  [0x09, 't'],
]

const anyCharacter: Part = oneOf(
  utf8Character(complement([controls, [quote, quote], [backslash, backslash]])),
  sequence(
    text('\\'),
    oneOf(
      oneOfTexts([...shortEscapes.map(([, letter]) => [letter] as const), ['/']]),
      sequence(text('u'), escapedPoint),
    ),
  ),
)

/** A character of some ranges as `JSON.stringify` writes it within a string. */
export function stringCharacter(ranges: readonly Range[]): Part {
  const has = (point: number) => ranges.some(([low, high]) => low <= point && point <= high)
  const escapes = [...Array(0x20).keys(), quote, backslash].filter(has).map((point) => {
    return [JSON.stringify(String.fromCharCode(point)).slice(1, -1)] as const
  })
  const plain = [controls, [quote, quote], [backslash, backslash]] as const
  const rest = plain.reduce<readonly Range[]>((left, range) => without(left, range), ranges)
  return oneOf(oneOfTexts(escapes), utf8Character(rest))
}

/** A value as it is, white space between its parts aside. */
export function literalValue(space: Part, value: unknown): Part {
  if (typeof value !== 'object' || value === null) return text(JSON.stringify(value))
  const parts = Array.isArray(value)
    ? value.map((item) => literalValue(space, item))
    : Object.entries(value).map(([key, item]) =>
        sequence(text(`${JSON.stringify(key)}`), space, text(':'), space, literalValue(space, item)),
      )
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const items = parts.flatMap((part, at) => (at === 0 ? [part, space] : [text(','), space, part, space]))
  return sequence(text(open!), space, ...items, text(close!))
}

/** A text that may be one of several values: those that are written in one way share their beginnings. */
export function oneOfValues(space: Part, values: readonly unknown[]): Part {
  const simple = values.filter((value) => typeof value !== 'object' || value === null)
  const others = values.filter((value) => typeof value === 'object' && value !== null)
  return oneOf(
    oneOfTexts(simple.map((value) => [JSON.stringify(value)] as const)),
    ...others.map((value) => literalValue(space, value)),
  )
}
