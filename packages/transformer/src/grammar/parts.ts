import type { Grammar, Part, Rule } from './grammar'

const utf8 = new TextEncoder()

/** A byte, or another symbol, in a range. */
export const symbols =
  (low: number, high: number): Part =>
  (grammar, from) => {
    const to = grammar.node()
    grammar.nodes[from]!.edges.push({ low, high, to })
    return to
  }

/** A text as it stands. */
export const text = (characters: string): Part =>
  sequence(...Array.from(utf8.encode(characters), (byte) => symbols(byte, byte)))

/** A special token. */
export const token =
  (id: number): Part =>
  (grammar, from) => {
    const symbol = grammar.symbolOf(id)
    return symbols(symbol, symbol)(grammar, from)
  }

export const sequence =
  (...parts: readonly Part[]): Part =>
  (grammar, from) =>
    parts.reduce((at, part) => part(grammar, at), from)

export const oneOf =
  (...parts: readonly Part[]): Part =>
  (grammar, from) => {
    const to = grammar.node()
    for (const part of parts) {
      const start = grammar.node()
      grammar.nodes[from]!.free.push(start)
      grammar.nodes[part(grammar, start)]!.free.push(to)
    }
    return to
  }

export const optional = (part: Part): Part => oneOf(part, nothing)

export const nothing: Part = (_, from) => from

/** What nothing matches. */
export const never: Part = (grammar) => grammar.node()

/** A rule, read whole. */
export const call =
  (rule: Rule): Part =>
  (grammar, from) => {
    const to = grammar.node()
    grammar.nodes[from]!.calls.push({ rule, to })
    return to
  }

/** A rule between `min` and `max` times. */
export const repeated =
  (rule: Rule, min = 0, max = Number.POSITIVE_INFINITY): Part =>
  (grammar, from) => {
    if (max < min) return grammar.node()
    const [at, exit] = [grammar.node(), grammar.node()]
    grammar.nodes[from]!.free.push(at)
    grammar.nodes[at]!.loop = { rule, min, max, exit }
    return exit
  }

/**
 * One of several texts, each with what follows it. Texts that begin alike share their beginning, so that ten thousand of them
 * are not ten thousand ways to try.
 */
export const oneOfTexts =
  (texts: Iterable<readonly [text: string, then?: Part]>): Part =>
  (grammar, from) => {
    const to = grammar.node()
    const children = new Map<number, Map<number, number>>()
    for (const [characters, then = nothing] of texts) {
      let at = from
      for (const byte of utf8.encode(characters)) {
        const known = children.get(at) ?? new Map<number, number>()
        children.set(at, known)
        const next = known.get(byte) ?? symbols(byte, byte)(grammar, at)
        known.set(byte, next)
        at = next
      }
      const start = grammar.node()
      grammar.nodes[at]!.free.push(start)
      grammar.nodes[then(grammar, start)]!.free.push(to)
    }
    return to
  }

/** A part as a rule of its own, by a name that says all of it. */
export const named = (grammar: Grammar, name: string, part: Part): Part => call(grammar.kept(name, part))
