import type { Grammar } from './grammar'

/**
 * Where a reading stands: at a node, below it where the rules that are being read go on. `count` is how often a repetition has
 * been read, at the node of one. Equal frames are one object.
 */
interface Frame {
  readonly id: number
  readonly node: number
  readonly count: number
  /** Undefined for the frame below all. */
  readonly parent: Frame | undefined
  readonly children: Map<number, Frame>
  /** The frame that this one is as good as, as far as anybody looks ahead. */
  alike?: Frame
}

/** All the places where a reading may stand after the same bytes. Equal states are one object. */
export interface State {
  readonly frames: readonly Frame[]
  /** Whether the text may end here. */
  readonly complete: boolean
  /** By class of symbol: what follows, null for nothing, undefined where nobody has asked. */
  readonly next: (State | null | undefined)[]
  /** Whether what follows some symbol has too many frames, and counts as nothing. */
  overflows: boolean
}

/** Ways to go on at once. A grammar that has more of them is ambiguous without end: it is followed on one of them then. */
const maxFrames = 1000

/**
 * A grammar as a deterministic automaton with a stack, made as far as it is used: a state is the set of frames that the
 * grammar can be in.
 */
export class Automaton {
  readonly start: State
  /** Symbols between which no rule differs have one class. */
  readonly classOf: Uint16Array
  readonly #grammar: Grammar
  readonly #horizon: number
  readonly #representatives: number[]
  readonly #bottom: Frame = { id: 0, node: -1, count: 0, parent: undefined, children: new Map() }
  readonly #states = new Map<string, State>()
  #frames = 1

  /** @param options.horizon  bytes that are looked ahead from a state at most: those of the longest token */
  constructor(grammar: Grammar, root: number, { horizon }: { horizon: number }) {
    this.#grammar = grammar
    this.#horizon = horizon
    const { classOf, representatives } = classesOf(grammar)
    this.classOf = classOf
    this.#representatives = representatives
    this.start = this.#closed([this.#frame(grammar.starts[root]!, 0, this.#bottom)])!
  }

  /** How much has been made. */
  get size(): number {
    return this.#states.size + this.#frames
  }

  /** What a symbol leads to, null where it is not allowed. */
  step(state: State, symbolClass: number): State | null {
    const known = state.next[symbolClass]
    if (known !== undefined) return known
    const symbol = this.#representatives[symbolClass]!
    const reached: Frame[] = []
    for (const { node, parent } of state.frames)
      for (const { low, high, to } of this.#grammar.nodes[node]!.edges)
        if (low <= symbol && symbol <= high) reached.push(this.#frame(to, 0, parent!))
    const next = reached.length === 0 ? null : this.#closed(reached)
    if (reached.length > 0 && !next) state.overflows = true
    state.next[symbolClass] = next
    return next
  }

  /** The symbol that must come next; undefined where several may, or the text may end. */
  forced({ frames, complete }: State): number | undefined {
    if (complete) return undefined
    let only: number | undefined
    for (const { node } of frames)
      for (const { low, high } of this.#grammar.nodes[node]!.edges) {
        if (low !== high || (only ?? low) !== low) return undefined
        only = low
      }
    return only
  }

  /** The state behind several symbols, null where they are not allowed. Of more ways than can be followed, one is. */
  run(state: State, symbols: Iterable<number>): State | null {
    const { end, overflows } = this.#run(state, symbols)
    if (end || !overflows) return end
    for (const frame of state.frames) {
      const { end } = this.#run(this.#state([frame], false), symbols)
      if (end) return end
    }
    return null
  }

  #run(state: State, symbols: Iterable<number>): { end: State | null; overflows: boolean } {
    let end: State | null = state
    let overflows = false
    for (const symbol of symbols) {
      const before: State = end
      end = this.step(before, this.classOf[symbol]!)
      overflows ||= before.overflows
      if (!end) break
    }
    return { end, overflows }
  }

  /**
   * The state in parts by where their rules go on: each as if nothing were below, and the state behind it, undefined where the
   * text ends there. What may be read from the state is what may be read from the parts.
   */
  parts(state: State): { inner: State; outer: State | undefined }[] {
    const byParent = new Map<Frame, Frame[]>()
    for (const frame of state.frames) {
      const group = byParent.get(frame.parent!)
      if (group) group.push(frame)
      else byParent.set(frame.parent!, [frame])
    }
    return Array.from(byParent, ([parent, frames]) => ({
      inner: this.#closed(frames.map(({ node }) => this.#frame(node, 0, this.#bottom)))!,
      outer: parent === this.#bottom ? undefined : (this.#closed([parent]) ?? undefined),
    }))
  }

  /** A state from which the same may be read as far as the horizon: counts that are far from their bounds are made one. */
  alike(state: State): State {
    return this.#state(
      state.frames.map((frame) => this.#alikeFrame(frame)),
      state.complete,
    )
  }

  #alikeFrame(frame: Frame): Frame {
    // From the lowest upwards, so that deep stacks take no deep calls.
    const open: Frame[] = []
    for (let at: Frame | undefined = frame; at?.parent && !at.alike; at = at.parent) open.push(at)
    for (let at = open.pop(); at; at = open.pop())
      at.alike = this.#frame(at.node, this.#alikeCount(at), at.parent!.alike ?? at.parent!)
    return frame.alike ?? frame
  }

  #alikeCount({ node, count }: Frame): number {
    const { loop } = this.#grammar.nodes[node]!
    if (!loop || loop.max - count <= this.#horizon) return count
    if (count >= loop.min) return loop.min
    return loop.min - count > this.#horizon ? 0 : count
  }

  #frame(node: number, count: number, parent: Frame): Frame {
    const key = count * this.#grammar.nodes.length + node
    let frame = parent.children.get(key)
    if (!frame) {
      frame = { id: this.#frames++, node, count, parent, children: new Map() }
      parent.children.set(key, frame)
    }
    return frame
  }

  /** The state of frames and of all that they reach without reading; null where those are too many. */
  #closed(from: readonly Frame[]): State | null {
    const { nodes, starts } = this.#grammar
    const seen = new Set<Frame>()
    const frames: Frame[] = []
    let complete = false
    const open = [...from]
    const visit = (frame: Frame) => {
      if (frame === this.#bottom) complete = true
      else if (!seen.has(frame)) {
        seen.add(frame)
        open.push(frame)
      }
    }
    for (const frame of from) seen.add(frame)
    for (let frame = open.pop(); frame; frame = open.pop()) {
      const node = nodes[frame.node]!
      const parent = frame.parent!
      if (node.edges.length > 0) frames.push(frame)
      if (frames.length > maxFrames || seen.size > 4 * maxFrames) return null
      if (node.final) visit(parent)
      for (const to of node.free) visit(this.#frame(to, 0, parent))
      for (const { rule, to } of node.calls) visit(this.#frame(starts[rule]!, 0, this.#behind(to, parent)))
      if (!node.loop) continue
      const { rule, min, max, exit } = node.loop
      if (frame.count >= min) visit(this.#frame(exit, 0, parent))
      // Without a bound, counting ends at the least that is asked for.
      const count = max === Number.POSITIVE_INFINITY ? Math.min(frame.count + 1, min) : frame.count + 1
      if (frame.count < max) visit(this.#frame(starts[rule]!, 0, this.#frame(frame.node, count, parent)))
    }
    return this.#state(frames, complete)
  }

  /** Where it goes on behind a call; what only ends there goes on where that does. */
  #behind(node: number, parent: Frame): Frame {
    const { final, edges, free, calls, loop } = this.#grammar.nodes[node]!
    const onlyEnds = final && edges.length + free.length + calls.length === 0 && !loop
    return onlyEnds ? parent : this.#frame(node, 0, parent)
  }

  #state(frames: readonly Frame[], complete: boolean): State {
    const sorted = [...new Set(frames)].sort((a, b) => a.id - b.id)
    const key = `${sorted.map(({ id }) => id).join()}${complete ? '.' : ''}`
    let state = this.#states.get(key)
    if (!state) {
      state = { frames: sorted, complete, next: [], overflows: false }
      this.#states.set(key, state)
    }
    return state
  }
}

/** Classes of symbols that no edge tells apart, and one symbol of each. */
function classesOf({ nodes, tokens }: Grammar): { classOf: Uint16Array; representatives: number[] } {
  const count = 256 + tokens.length
  const begins = new Uint8Array(count + 1)
  begins[0] = 1
  for (const { edges } of nodes)
    for (const { low, high } of edges) {
      begins[low] = 1
      begins[high + 1] = 1
    }
  const representatives: number[] = []
  const classOf = Uint16Array.from({ length: count }, (_, symbol) => {
    if (begins[symbol]) representatives.push(symbol)
    return representatives.length - 1
  })
  return { classOf, representatives }
}
