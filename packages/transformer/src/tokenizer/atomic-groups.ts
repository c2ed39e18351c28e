/**
 * Writes what JavaScript's expressions lack in what they have: a part that is not tried again, once it has matched (Oniguruma's
 * atomic group `(?>…)` and possessive `x*+`, `x++`, `x?+`), as a look ahead whose text is then taken: `(?=(?<_1>…))\k<_1>`.
 * The engine never goes back into a look ahead.
 */
export function withoutAtomicGroups(source: string): string {
  if (!/\(\?>|[*+?]\+/.test(source)) return source
  let out = ''
  let groups = 0
  const atomic = (inner: string) => `(?:(?=(?<_${++groups}>${inner}))\\k<_${groups}>)`
  /** Where groups that are open begin in what is written, and whether they are atomic. */
  const open: { start: number; isAtomic: boolean }[] = []
  let atom = 0
  for (let at = 0; at < source.length; ) {
    const rest = source.slice(at)
    const [token] = tokens.exec(rest)!
    at += token.length
    if (token.startsWith('(')) {
      open.push({ start: out.length, isAtomic: token === '(?>' })
      out += token === '(?>' ? '' : token
    } else if (token === ')') {
      const { start, isAtomic } = open.pop() ?? { start: 0, isAtomic: false }
      out = isAtomic ? out.slice(0, start) + atomic(out.slice(start)) : `${out})`
      atom = start
    } else if (token.startsWith('[')) {
      const end = endOfClass(source, at)
      atom = out.length
      out += source.slice(at - 1, end)
      at = end
    } else if (/^[*+?]\+$/.test(token)) out = out.slice(0, atom) + atomic(out.slice(atom) + token[0])
    else if (/^[*+?{]/.test(token)) out += token
    else {
      atom = out.length
      out += token
    }
  }
  return out
}

/** A group's beginning, a repetition (with what makes it lazy or possessive), an escape, or a character. */
const tokens =
  /^(?:\((?:\?(?:<[=!]|<[A-Za-z_]\w*>|i:|[:=!>]))?|[*+?][+?]?|\{\d*,?\d*\}[+?]?|\\[pPxuk](?:\{[^}]*\}|<[^>]*>)|\\[\s\S]|[\s\S])/u

/** Where a class ends that begins before a place; classes have classes within. */
function endOfClass(source: string, start: number): number {
  let depth = 1
  let at = start
  if (source[at] === '^') at++
  // A bracket that a class begins with is one of its characters.
  if (source[at] === ']') at++
  for (; at < source.length && depth > 0; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === '[') depth++
    else if (source[at] === ']') depth--
  }
  return at
}
