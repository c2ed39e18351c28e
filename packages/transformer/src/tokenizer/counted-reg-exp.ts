import { OutriderError } from '@outrider/tensor'
// A CommonJS module, whose names Node does not find.
import regularExpressions from 'regjsparser'

/** Steps that a search through one text may take: `base`, and `perCharacter` for each of its characters. */
export interface PatternLimits {
  base: number
  perCharacter: number
}

/** Patterns of known tokenizers take some 20 steps a character. */
export const patternLimits: Readonly<PatternLimits> = { base: 10_000, perCharacter: 500 }

/** What a pattern is unrolled to at most: `{1000}` is a thousand times what it repeats. */
const maxInstructions = 20_000

/** Ways left to try that are remembered at most: memory. */
const maxWays = 4_000_000

export const beyondTokenizerLimit = (what: string) =>
  new OutriderError('TOKENIZER_LIMIT', `The tokenizer is stopped: ${what}.`, {
    remedy: "Use the tokenizer of the model's authors, or shorter texts.",
  })

/**
 * A regular expression that finds what the engine's own finds, and counts its steps. Nothing can interrupt JavaScript's own
 * engine, and whether a pattern backtracks without end cannot be told from its text without refusing good ones: so patterns
 * that are not known run here, by backtracking over a list of instructions. `match`, `matchAll`, `replaceAll` and `split` of
 * strings all go through `exec`.
 *
 * @throws OutriderError TOKENIZER_LIMIT where a search takes too many steps; UNSUPPORTED for references back to groups without
 *   a name
 */
export class CountedRegExp extends RegExp {
  readonly #program: Program
  readonly #limits: PatternLimits
  /** The text searched last, and the steps that took so far. */
  #text = ''
  #steps = 0

  constructor(pattern: RegExp | string, flags?: string, limits: PatternLimits = patternLimits) {
    super(pattern, flags)
    // matchAll and split search with a copy.
    const isCopy = pattern instanceof CountedRegExp
    this.#program = isCopy ? pattern.#program : new Compiler().program(this.source)
    this.#limits = isCopy ? pattern.#limits : limits
  }

  override exec(text: string): RegExpExecArray | null {
    const keepsPlace = this.global || this.sticky
    if (text !== this.#text || !keepsPlace || this.lastIndex === 0) this.#steps = 0
    this.#text = text
    let start = keepsPlace ? this.lastIndex : 0
    for (; start <= text.length; start += characterLength(text, start)) {
      const slots = this.#run(this.#program.code, start, new Array(this.#program.slots).fill(undefined))
      if (slots) {
        slots[0] = start
        if (keepsPlace) this.lastIndex = slots[1]!
        return resultOf(text, slots.slice(0, 2 * this.#program.groups))
      }
      if (this.sticky) break
    }
    if (keepsPlace) this.lastIndex = 0
    return null
  }

  #count(ways = 0): void {
    if (ways > maxWays) throw beyondTokenizerLimit(`the pattern ${shortened(this.source)} leaves too many ways open`)
    const most = this.#limits.base + this.#limits.perCharacter * this.#text.length
    if (++this.#steps > most)
      throw beyondTokenizerLimit(`the pattern ${shortened(this.source)} takes more than ${most} steps`)
  }

  /** Where groups begin and end, the match's own end in place 1; undefined where there is no match at a place. */
  #run(code: readonly Instruction[], start: number, slots: Slots): Slots | undefined {
    const text = this.#text
    const stack: Way[] = []
    let at = 0
    let place = start
    for (;;) {
      this.#count(stack.length)
      const step = code[at]!
      let holds = true
      switch (step.op) {
        case 'match':
          slots[1] = place
          return slots
        case 'character': {
          const next = stepped(text, place, step.backward)
          holds = next !== place && step.test(codePointBetween(text, place, next))
          if (holds) place = next
          break
        }
        case 'run': {
          const first = place
          let least = place
          let count = 0
          for (; count < step.most; count++) {
            this.#count()
            const next = stepped(text, place, step.backward)
            if (next === place || !step.test(codePointBetween(text, place, next))) break
            place = next
            if (count + 1 === step.least) least = place
          }
          holds = count >= step.least
          if (step.least === 0) least = first
          if (holds && place !== least) stack.push({ at: at + 1, place, least, backward: step.backward })
          break
        }
        case 'either':
          stack.push({ at: step.second, place })
          at = step.first
          continue
        case 'jump':
          at = step.to
          continue
        case 'save':
          stack.push({ slot: step.slot, value: slots[step.slot] })
          slots[step.slot] = step.value === 'place' ? place : undefined
          break
        case 'moved':
          holds = slots[step.since] !== place
          break
        case 'assert':
          holds = step.test(text, place)
          break
        case 'again': {
          const again = text.slice(slots[2 * step.group] ?? 0, slots[2 * step.group + 1] ?? 0)
          for (let i = 0; i < again.length; i++) this.#count()
          holds = text.startsWith(again, place)
          if (holds) place += again.length
          break
        }
        case 'look': {
          const found = this.#run(step.code, place, [...slots])
          holds = (found !== undefined) !== step.negative
          if (found && !step.negative)
            for (let slot = 2; slot < slots.length; slot++)
              if (found[slot] !== slots[slot]) {
                stack.push({ slot, value: slots[slot] })
                slots[slot] = found[slot]
              }
        }
      }
      if (holds) {
        at++
        continue
      }
      for (;;) {
        const way = stack.at(-1)
        if (!way) return undefined
        if ('slot' in way) {
          slots[way.slot] = way.value
          stack.pop()
          continue
        }
        if (way.least !== undefined) way.place = stepped(text, way.place, !way.backward)
        if (way.least === undefined || way.place === way.least) stack.pop()
        at = way.at
        place = way.place
        break
      }
    }
  }
}

type Slots = (number | undefined)[]
type Test = (codePoint: number) => boolean

type Instruction =
  | { op: 'match' }
  | { op: 'character'; test: Test; backward: boolean }
  /** As many as there are; fewer are tried afterwards. */
  | { op: 'run'; test: Test; least: number; most: number; backward: boolean }
  | { op: 'either'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { op: 'save'; slot: number; value: 'place' | 'nothing' }
  /** A repetition that has matched nothing is not repeated. */
  | { op: 'moved'; since: number }
  | { op: 'assert'; test: (text: string, place: number) => boolean }
  | { op: 'look'; code: Instruction[]; negative: boolean }
  /** The text of a group again. */
  | { op: 'again'; group: number }

/** What is left to try: to go on elsewhere (of a run, a character shorter, down to `least`), or a slot to set back. */
type Way =
  | { at: number; place: number; least?: number; backward?: boolean }
  | { slot: number; value: number | undefined }

interface Program {
  code: Instruction[]
  /** The whole match is the first. */
  groups: number
  /** Where each begins and ends; then where repetitions began. */
  slots: number
}

type Tree = ReturnType<typeof regularExpressions.parse<typeof features>>
const features = { lookbehind: true, namedGroups: true, unicodePropertyEscape: true, modifiers: true } as const

class Compiler {
  #slots = 0
  #ignoreCase = false
  readonly #named = new Map<string, number>()

  program(source: string): Program {
    const tree = regularExpressions.parse(source, 'u', features)
    const groups = 1 + countGroups(tree)
    this.#slots = 2 * groups
    const code: Instruction[] = []
    this.#emit(code, tree, { backward: false, groups: { next: 1 } })
    code.push({ op: 'match' })
    return { code, groups, slots: this.#slots }
  }

  #emit(code: Instruction[], tree: Tree, context: Context): void {
    if (code.length > maxInstructions) throw tooLong()
    const { backward } = context
    const test = this.#test(tree)
    if (test) {
      code.push({ op: 'character', test, backward })
      return
    }
    switch (tree.type) {
      case 'alternative':
        this.#sequence(code, tree.body, context)
        return
      case 'disjunction':
        this.#alternatives(code, tree.body, context)
        return
      case 'anchor':
        code.push({ op: 'assert', test: anchors[tree.kind as keyof typeof anchors] })
        return
      case 'group':
        this.#group(code, tree, context)
        return
      case 'quantifier':
        this.#quantifier(code, tree, context)
        return
      case 'reference': {
        const name = 'name' in tree ? (tree.name as { value: string }).value : ''
        const group = this.#named.get(name)
        if (group === undefined || backward || this.#ignoreCase) throw notSupported(tree.raw)
        code.push({ op: 'again', group })
        return
      }
      default:
        throw notSupported(tree.raw)
    }
  }

  #sequence(code: Instruction[], trees: readonly Tree[], context: Context): void {
    // Groups are numbered from the left, whichever way is gone.
    if (!context.backward) for (const tree of trees) this.#emit(code, tree, context)
    else {
      const numbers = trees.map((tree) => {
        const next = context.groups.next
        context.groups.next += countGroups(tree)
        return next
      })
      for (let i = trees.length - 1; i >= 0; i--)
        this.#emit(code, trees[i]!, { ...context, groups: { next: numbers[i]! } })
    }
  }

  #alternatives(code: Instruction[], trees: readonly Tree[], context: Context): void {
    const ends: { op: 'jump'; to: number }[] = []
    for (const [i, tree] of trees.entries()) {
      if (i === trees.length - 1) {
        this.#emit(code, tree, context)
        break
      }
      const choice = { op: 'either' as const, first: code.length + 1, second: 0 }
      code.push(choice)
      this.#emit(code, tree, context)
      const end = { op: 'jump' as const, to: 0 }
      code.push(end)
      ends.push(end)
      choice.second = code.length
    }
    for (const end of ends) end.to = code.length
  }

  #group(code: Instruction[], tree: Extract<Tree, { type: 'group' }>, context: Context): void {
    if (tree.behavior === 'normal') {
      const group = context.groups.next++
      if ('name' in tree && tree.name) this.#named.set((tree.name as { value: string }).value, group)
      const [first, last] = context.backward ? [2 * group + 1, 2 * group] : [2 * group, 2 * group + 1]
      code.push({ op: 'save', slot: first, value: 'place' })
      this.#sequence(code, tree.body, context)
      code.push({ op: 'save', slot: last, value: 'place' })
    } else if (tree.behavior === 'ignore') {
      const outside = this.#ignoreCase
      const modifiers = 'modifierFlags' in tree ? tree.modifierFlags : undefined
      if (modifiers?.enabling.includes('i')) this.#ignoreCase = true
      if (modifiers?.disabling.includes('i')) this.#ignoreCase = false
      this.#sequence(code, tree.body, context)
      this.#ignoreCase = outside
    } else {
      const inner: Instruction[] = []
      this.#sequence(inner, tree.body, { ...context, backward: tree.behavior.endsWith('ookbehind') })
      inner.push({ op: 'match' })
      code.push({ op: 'look', code: inner, negative: tree.behavior.startsWith('negative') })
    }
  }

  #quantifier(code: Instruction[], tree: Extract<Tree, { type: 'quantifier' }>, context: Context): void {
    const { min: least, greedy } = tree
    const most = tree.max ?? Number.POSITIVE_INFINITY
    const [body] = tree.body as [Tree]
    const test = this.#test(body)
    if (test && greedy) {
      code.push({ op: 'run', test, least, most, backward: context.backward })
      return
    }
    const firstGroup = context.groups.next
    const groupCount = countGroups(body)
    // Every repetition begins with its groups unset.
    const repeat = () => {
      for (let slot = 2 * firstGroup; slot < 2 * (firstGroup + groupCount); slot++)
        code.push({ op: 'save', slot, value: 'nothing' })
      this.#emit(code, body, { ...context, groups: { next: firstGroup } })
    }
    if (least > maxInstructions) throw tooLong()
    for (let i = 0; i < least; i++) repeat()
    const since = this.#slots++
    const ends: (() => void)[] = []
    const once = () => {
      const choice = { op: 'either' as const, first: code.length + 1, second: code.length + 1 }
      code.push(choice)
      ends.push(() => {
        choice[greedy ? 'second' : 'first'] = code.length
      })
      code.push({ op: 'save', slot: since, value: 'place' })
      repeat()
      code.push({ op: 'moved', since })
    }
    if (most === Number.POSITIVE_INFINITY) {
      const start = code.length
      once()
      code.push({ op: 'jump', to: start })
    } else for (let i = least; i < most; i++) once()
    for (const end of ends) end()
    context.groups.next = firstGroup + groupCount
  }

  /** Of a part that is one character, which it may be. */
  #test(tree: Tree): Test | undefined {
    if (tree.type === 'value' && !this.#ignoreCase) return (codePoint) => codePoint === tree.codePoint
    if (!singles.has(tree.type)) return undefined
    const pattern = new RegExp(`^${tree.raw}$`, this.#ignoreCase ? 'iu' : 'u')
    const known = new Map<number, boolean>()
    return (codePoint) => {
      let holds = known.get(codePoint)
      if (holds === undefined) {
        holds = pattern.test(String.fromCodePoint(codePoint))
        known.set(codePoint, holds)
      }
      return holds
    }
  }
}

type Context = { backward: boolean; groups: { next: number } }

const notSupported = (what: string) =>
  new OutriderError('UNSUPPORTED', `A pattern of the tokenizer has ${what}, which is not supported.`)

const tooLong = () => beyondTokenizerLimit('a pattern of it repeats too much')

const singles: ReadonlySet<string> = new Set([
  'value',
  'dot',
  'characterClass',
  'characterClassEscape',
  'unicodePropertyEscape',
])

const isWord = (text: string, place: number) => /\w/.test(text.charAt(place))

const anchors = {
  start: (_: string, place: number) => place === 0,
  end: (text: string, place: number) => place === text.length,
  boundary: (text: string, place: number) => isWord(text, place - 1) !== isWord(text, place),
  'not-boundary': (text: string, place: number) => isWord(text, place - 1) === isWord(text, place),
}

function countGroups(tree: Tree): number {
  const own = tree.type === 'group' && tree.behavior === 'normal' ? 1 : 0
  const inner = 'body' in tree && tree.type !== 'characterClass' ? (tree.body as Tree[]) : []
  return inner.reduce((count, part) => count + countGroups(part), own)
}

/** A surrogate pair is one character. */
const isPair = (text: string, place: number) => (text.codePointAt(place) ?? 0) > 0xffff

const characterLength = (text: string, place: number) => (isPair(text, place) ? 2 : 1)

/** The place one character on; the same at the end. */
function stepped(text: string, place: number, backward: boolean | undefined): number {
  if (!backward) return place < text.length ? place + characterLength(text, place) : place
  if (place === 0) return place
  return place > 1 && isPair(text, place - 2) ? place - 2 : place - 1
}

const codePointBetween = (text: string, a: number, b: number) => text.codePointAt(Math.min(a, b))!

function resultOf(text: string, slots: Slots): RegExpExecArray {
  const groups = Array.from({ length: slots.length / 2 }, (_, group) => {
    const [start, end] = [slots[2 * group], slots[2 * group + 1]]
    return start === undefined || end === undefined ? undefined : text.slice(start, end)
  })
  const [match = ''] = groups
  const result: RegExpExecArray = Object.assign(groups as [string], { 0: match, index: slots[0]!, input: text })
  return Object.assign(result, { groups: undefined })
}

const shortened = (source: string) => JSON.stringify(source.length > 60 ? `${source.slice(0, 60)}…` : source)
