import type { TextPlace } from './place'

/** What WGSL has for numbers; all of it is free of side effects. */
const functions = new Set(
  `abs acos acosh asin asinh atan atan2 atanh bool ceil clamp cos cosh degrees exp exp2 f32 floor fma fract i32 inverseSqrt
  log log2 max min mix pow radians round saturate select sign sin sinh smoothstep sqrt step tan tanh trunc u32`.split(
    /\s+/,
  ),
)
const literals = new Set(['true', 'false'])

const tokens =
  /[A-Za-z_]\w*|(?:0[xX][0-9A-Fa-f]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fiu]?)|&&|\|\||[=!<>]=|[-+*/%<>!(),]|\s+|./guy

/** A stretch of a text in which an expression stands: its lines as they are in the text, spaces in place of all else. */
export interface TypedExpression {
  lines: readonly { text: string; line: number }[]
}

export interface ExpressionProblem extends TextPlace {
  message: string
}

/**
 * What is wrong with an expression before a compiler sees it: it may have numbers, operators, parentheses, the functions of
 * WGSL for numbers and the names that are known in its place, and nothing with which a text could leave the expression.
 *
 * @param known    names that it may use
 * @param explain  what to say of a name that is not known
 */
export function expressionProblems(
  { lines }: TypedExpression,
  known: ReadonlySet<string>,
  explain: (name: string) => string,
): ExpressionProblem[] {
  const problems: ExpressionProblem[] = []
  const open: TextPlace[] = []
  let last: TextPlace = { line: lines[0]!.line, column: lines[0]!.text.length + 1, length: 0 }
  let empty = true
  for (const { text, line } of lines) {
    let before = ''
    for (const { 0: token, index } of text.matchAll(tokens)) {
      const place = { line, column: index + 1, length: token.length }
      if (token.trim() === '' && /^[ \t]*$/.test(token)) {
        before = ''
        continue
      }
      const refuse = (message: string) => problems.push({ ...place, message })
      if (/^[A-Za-z_]/.test(token)) {
        if (!known.has(token) && !functions.has(token) && !literals.has(token)) refuse(explain(token))
      } else if (token === '(') open.push(place)
      else if (token === ')') {
        if (!open.pop()) refuse('This parenthesis closes none.')
      } else if (!/^(?:[\d.]|&&|\|\||[=!<>]=|[-+*/%<>!,]$)/.test(token) || token === '.')
        refuse(`An expression has no ${JSON.stringify(token)}.`)
      // Two signs side by side would begin a comment, in which the rest of the line would be lost.
      else if (before === '/' && (token === '/' || token === '*')) refuse('A comment begins with // and ends the line.')
      before = token
      last = place
      empty = false
    }
  }
  for (const place of open) problems.push({ ...place, message: 'This parenthesis is not closed.' })
  if (empty) problems.push({ ...last, message: 'An expression is missing.' })
  return problems
}

/** The names that an expression uses. */
export function namesIn({ lines }: TypedExpression): Set<string> {
  return new Set(lines.flatMap(({ text }) => text.match(/(?<![\w.])[A-Za-z_]\w*/g) ?? []))
}
