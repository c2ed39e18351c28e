import { OutriderError } from '@outrider/tensor'
// A CommonJS module, whose names Node does not find.
import regularExpressions from 'regjsparser'
import { complement, lastCodePoint, type Range } from './characters'
import type { Grammar, Part } from './grammar'
import { stringCharacter } from './json-text'
import { nothing, oneOf, repeated, sequence } from './parts'

type Tree = ReturnType<typeof regularExpressions.parse<typeof features>>
const features = { lookbehind: true, namedGroups: true, unicodePropertyEscape: true, modifiers: true } as const

/** A range within brackets, which is nothing of its own outside them. */
interface ClassRange {
  type: 'characterClassRange'
  min: { codePoint: number }
  max: { codePoint: number }
}

const maxPattern = 4096

/**
 * The inside of a JSON string whose text matches a regular expression (ECMA-262, of whole characters), as `JSON.stringify`
 * writes it. `^` and `$` stand at the ends of the expression or of its alternatives; without them, anything may be around.
 *
 * @throws OutriderError UNSUPPORTED for what looks around or refers back, by name; INVALID_ARGUMENT for what is no expression
 */
export function matchingCharacters(grammar: Grammar, pattern: string): Part {
  if (pattern.length > maxPattern) throw refused(`the pattern has more than ${maxPattern} characters`)
  const tree = parsed(pattern)
  const anything = repeated(kept(grammar, [[0, lastCodePoint]]))
  const branches = branchesOf(tree).map((terms) => {
    const [begins, ends] = [isAnchor(terms[0], 'start'), isAnchor(terms.at(-1), 'end')]
    const inner = terms.slice(begins ? 1 : 0, ends && terms.length > (begins ? 1 : 0) ? -1 : undefined)
    const parts = inner.map((term) => partOf(grammar, term))
    return sequence(begins ? nothing : anything, ...parts, ends ? nothing : anything)
  })
  return oneOf(...branches)
}

function parsed(pattern: string): Tree {
  for (const flags of ['u', ''])
    try {
      return regularExpressions.parse(pattern, flags, features)
    } catch {}
  throw new OutriderError('INVALID_ARGUMENT', `${JSON.stringify(pattern)} is no regular expression.`, {
    remedy: 'Write it as JavaScript has it, without slashes around it.',
  })
}

/** The alternatives of an expression, each as what follows one another; a group around everything is opened. */
function branchesOf(tree: Tree): Tree[][] {
  if (tree.type === 'disjunction') return tree.body.flatMap(branchesOf)
  if (tree.type !== 'alternative')
    return tree.type === 'group' && isPlain(tree) ? tree.body.flatMap(branchesOf) : [[tree]]
  return [tree.body]
}

const isPlain = ({ behavior }: { behavior: string }) => behavior === 'normal' || behavior === 'ignore'
const isAnchor = (tree: Tree | undefined, kind: string) => tree?.type === 'anchor' && tree.kind === kind

function partOf(grammar: Grammar, tree: Tree): Part {
  const ranges = rangesOf(tree)
  if (ranges) return stringCharacter(ranges)
  switch (tree.type) {
    case 'alternative':
      return sequence(...tree.body.map((part) => partOf(grammar, part)))
    case 'disjunction':
      return oneOf(...tree.body.map((part) => partOf(grammar, part)))
    case 'group':
      if (!isPlain(tree) || ('modifierFlags' in tree && tree.modifierFlags))
        throw refused(`${tree.raw} is not supported`)
      return sequence(...tree.body.map((part) => partOf(grammar, part)))
    case 'quantifier': {
      const [body] = tree.body
      const inner = rangesOf(body!)
      const rule = inner ? kept(grammar, inner) : grammar.rule(partOf(grammar, body!))
      return repeated(rule, tree.min, tree.max ?? Number.POSITIVE_INFINITY)
    }
    default:
      throw refused(`${tree.raw} is not supported`)
  }
}

const kept = (grammar: Grammar, ranges: readonly Range[]) =>
  grammar.kept(`character ${JSON.stringify(ranges)}`, stringCharacter(ranges))

const words: Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
/** White space and ends of lines as ECMA-262 has them. */
const white: Range[] = [
  [0x09, 0x0d],
  ...[0x20, 0xa0, 0x1680].map((point): Range => [point, point]),
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  ...[0x202f, 0x205f, 0x3000, 0xfeff].map((point): Range => [point, point]),
]
const classes: Readonly<Record<string, Range[]>> = {
  d: [[0x30, 0x39]],
  w: words,
  s: white,
  D: complement([[0x30, 0x39]]),
  W: complement(words),
  S: complement(white),
}
const lineEnds: Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

/** What one character may be, if the tree is one character. */
function rangesOf(tree: Tree | ClassRange): Range[] | undefined {
  switch (tree.type) {
    case 'value':
      return [[tree.codePoint, tree.codePoint]]
    case 'dot':
      return complement(lineEnds)
    case 'characterClassEscape':
      return classes[tree.value]
    case 'characterClassRange':
      return [[tree.min.codePoint, tree.max.codePoint]]
    case 'characterClass': {
      const inside = (tree.body as (Tree | ClassRange)[]).map(rangesOf)
      if (tree.kind !== 'union' || inside.includes(undefined)) throw refused(`${tree.raw} is not supported`)
      const ranges = inside.flat() as Range[]
      return tree.negative ? complement(ranges) : ranges
    }
    default:
      return undefined
  }
}

const refused = (what: string) =>
  new OutriderError('UNSUPPORTED', `A pattern is asked for, and ${what}.`, {
    remedy: 'Supported are characters, classes such as [a-z] and \\d, groups, |, repetitions, and ^ and $ at the ends.',
  })
