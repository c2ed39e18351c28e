import { OutriderError } from '@outrider/tensor'

/** A rule of a grammar, by its number. */
export type Rule = number

/** Adds to a grammar whatever may be read from a node on; gives the node behind it. */
export type Part = (grammar: Grammar, from: number) => number

export interface GrammarNode {
  /** Symbols from `low` to `high` lead to `to`: bytes, and from 256 on the special tokens of the grammar. */
  edges: { low: number; high: number; to: number }[]
  /** Nodes that are reached without reading. */
  free: number[]
  /** Rules that are read whole, and where it goes on behind them. */
  calls: { rule: Rule; to: number }[]
  /** A rule that is read at least `min` times, and at most `max`, before it goes on at `exit`. */
  loop?: { rule: Rule; min: number; max: number; exit: number }
  /** Whether a rule may end here. */
  final: boolean
}

/** Nodes of one grammar: some 100 bytes each. */
const maxNodes = 200_000

/**
 * What may be said, as rules that call one another: each is a nondeterministic automaton over bytes, and a call is an edge that
 * a whole rule is read along. Rules may call themselves, so what is nested without end is a grammar, too. A repetition is
 * counted where it is read, and takes no more nodes for a thousand times than for two.
 */
export class Grammar {
  readonly nodes: GrammarNode[] = []
  /** The node that a rule begins at. */
  readonly starts: number[] = []
  /** Ids of special tokens that are part of what is said: symbol 256 and so on. */
  readonly tokens: number[] = []
  readonly #kept = new Map<string, Rule>()

  node(): number {
    if (this.nodes.length >= maxNodes) throw tooLarge(`it has more than ${maxNodes} states`)
    return this.nodes.push({ edges: [], free: [], calls: [], final: false }) - 1
  }

  /** A rule that is defined later: it may be called before. */
  declare(): Rule {
    return this.starts.push(this.node()) - 1
  }

  define(rule: Rule, part: Part): Rule {
    this.nodes[part(this, this.starts[rule]!)]!.final = true
    return rule
  }

  rule(part: Part): Rule {
    return this.define(this.declare(), part)
  }

  /** The rule of a name, which is made once. */
  kept(name: string, part: Part): Rule {
    const known = this.#kept.get(name)
    if (known !== undefined) return known
    const rule = this.declare()
    this.#kept.set(name, rule)
    return this.define(rule, part)
  }

  /** The symbol of a special token. */
  symbolOf(token: number): number {
    const known = this.tokens.indexOf(token)
    return 256 + (known >= 0 ? known : this.tokens.push(token) - 1)
  }

  /**
   * Checks the grammar, and takes out what leads nowhere, so that from everything that may be read a text can be finished.
   *
   * @throws OutriderError INVALID_ARGUMENT where no text at all matches, or a rule calls itself before it has read anything
   */
  finished(root: Rule): this {
    this.#cut(root)
    this.#checkProgress()
    return this
  }

  /** Leaves out edges to nodes from which no end is reached. */
  #cut(root: Rule): void {
    const { nodes, starts } = this
    const ends = new Uint8Array(nodes.length)
    const reaches = ({ final, edges, free, calls, loop }: GrammarNode) =>
      final ||
      edges.some(({ to }) => ends[to]) ||
      free.some((to) => ends[to]) ||
      calls.some(({ rule, to }) => ends[to] && ends[starts[rule]!]) ||
      (loop !== undefined && ends[loop.exit] === 1 && (loop.min === 0 || ends[starts[loop.rule]!] === 1))
    const before = this.#nodesBefore()
    const open = nodes.map((_, at) => at)
    for (let at = open.pop(); at !== undefined; at = open.pop())
      if (!ends[at] && reaches(nodes[at]!)) {
        ends[at] = 1
        open.push(...before[at]!)
      }
    if (!ends[starts[root]!])
      throw new OutriderError('INVALID_ARGUMENT', 'Nothing can be said that fits the grammar.', {
        remedy: 'Look for what contradicts itself, or asks for itself without end.',
      })
    for (const node of nodes) {
      node.edges = node.edges.filter(({ to }) => ends[to])
      node.free = node.free.filter((to) => ends[to])
      node.calls = node.calls.filter(({ rule, to }) => ends[to] && ends[starts[rule]!])
      if (node.loop && !(ends[node.loop.exit] && ends[starts[node.loop.rule]!])) {
        if (ends[node.loop.exit] && node.loop.min === 0) node.free.push(node.loop.exit)
        delete node.loop
      }
    }
  }

  /** Of every node, those that may reach an end if it does. */
  #nodesBefore(): number[][] {
    const { nodes, starts } = this
    const before: number[][] = nodes.map(() => [])
    for (const [at, { edges, free, calls, loop }] of nodes.entries()) {
      for (const { to } of edges) before[to]!.push(at)
      for (const to of free) before[to]!.push(at)
      for (const { rule, to } of calls) for (const node of [to, starts[rule]!]) before[node]!.push(at)
      if (loop) for (const node of [loop.exit, starts[loop.rule]!]) before[node]!.push(at)
    }
    return before
  }

  /** No rule may come to itself again before a symbol is read: there would be no end of it. */
  #checkProgress(): void {
    const { starts } = this
    const nullable = this.#nullable()
    if (this.nodes.some(({ loop }) => loop && nullable[loop.rule]))
      throw new OutriderError('INVALID_ARGUMENT', 'The grammar repeats what may be nothing.', {
        remedy: 'Repeat something that has at least one character.',
      })
    // 1 while a rule is looked at, 2 when it is known to be good.
    const seen = new Uint8Array(starts.length)
    const open: { rule: Rule; next: Rule[] }[] = []
    const enter = (rule: Rule) => {
      if (seen[rule] === 2) return
      if (seen[rule] === 1)
        throw new OutriderError('INVALID_ARGUMENT', 'A rule of the grammar leads to itself before anything is said.', {
          remedy: 'A reference that comes back to itself must have something around it, such as an object or a list.',
        })
      seen[rule] = 1
      open.push({ rule, next: this.#firstCalls(rule, nullable) })
    }
    for (let rule = 0; rule < starts.length; rule++) {
      enter(rule)
      for (let last = open.at(-1); last; last = open.at(-1)) {
        const next = last.next.pop()
        if (next !== undefined) enter(next)
        else {
          seen[last.rule] = 2
          open.pop()
        }
      }
    }
  }

  /** Rules that a rule may call before it has read anything. */
  #firstCalls(rule: Rule, nullable: Uint8Array): Rule[] {
    const found = new Set<Rule>()
    const seen = new Set<number>()
    const open = [this.starts[rule]!]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const { free, calls, loop } = this.nodes[at]!
      open.push(...free)
      for (const { rule, to } of calls) {
        found.add(rule)
        if (nullable[rule]) open.push(to)
      }
      if (!loop) continue
      found.add(loop.rule)
      if (loop.min === 0) open.push(loop.exit)
    }
    return [...found]
  }

  /** Which rules may be nothing. */
  #nullable(): Uint8Array {
    const nullable = new Uint8Array(this.starts.length)
    for (let changed = true; changed; ) {
      changed = false
      for (const rule of nullable.keys()) {
        if (nullable[rule] || !this.#mayBeNothing(rule, nullable)) continue
        nullable[rule] = 1
        changed = true
      }
    }
    return nullable
  }

  #mayBeNothing(rule: Rule, nullable: Uint8Array): boolean {
    const seen = new Set<number>()
    const open = [this.starts[rule]!]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const { free, calls, loop, final } = this.nodes[at]!
      if (final) return true
      open.push(...free)
      for (const { rule, to } of calls) if (nullable[rule]) open.push(to)
      if (loop && (loop.min === 0 || nullable[loop.rule])) open.push(loop.exit)
    }
    return false
  }
}

/** What is refused for its size. */
export const tooLarge = (why: string) =>
  new OutriderError('INVALID_ARGUMENT', `The grammar is too large: ${why}.`, {
    remedy: 'Ask for less at once: fewer or smaller alternatives, or a looser form.',
  })
