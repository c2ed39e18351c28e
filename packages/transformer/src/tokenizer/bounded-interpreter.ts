import { Environment, Interpreter, Template } from '@huggingface/jinja'
import { OutriderError } from '@outrider/tensor'

/** What a chat template may take: a template is a program, and a stranger wrote it. */
export interface TemplateLimits {
  /** Characters of the template. Default 2¹⁸, a dozen times the longest known. */
  sourceCharacters: number
  /** White space in a row within the template. Default 1,024: the engine's lexer takes its square. */
  blanks: number
  /** Steps of one rendering: nodes evaluated, items walked over, and characters gone through, 16 a step. Default 3 million. */
  steps: number
  /** Characters of any value, written out, and so of the text. Default 2²⁴. */
  characters: number
  /** How deep expressions, macros and values are nested. Default 500. */
  depth: number
  /** Time of one rendering. Default 5 s. */
  milliseconds: number
}

export const templateLimits: Readonly<TemplateLimits> = {
  sourceCharacters: 2 ** 18,
  blanks: 1024,
  steps: 3_000_000,
  characters: 2 ** 24,
  depth: 500,
  milliseconds: 5_000,
}

export const beyondTemplateLimit = (what: string, cause?: unknown) =>
  new OutriderError('TEMPLATE_LIMIT', `The chat template is not rendered: ${what}.`, {
    remedy: 'No known template takes as much; use another template, or shorten the conversation.',
    cause,
  })

/** Renders a parsed template with variables, and gives up at a limit. */
export function renderBounded(
  program: Template['parsed'],
  variables: Readonly<Record<string, unknown>>,
  limits: TemplateLimits,
): string {
  const interpreter = new Interpreter(globals(limits))
  const counter = new Counter(limits)
  const { evaluate } = interpreter
  interpreter.evaluate = (statement, environment) =>
    counter.counted(statement, () => evaluate.call(interpreter, statement, environment))
  for (const [name, value] of Object.entries(variables)) interpreter.global.set(name, value)
  return String(interpreter.run(program).value)
}

/** What `Template.render` defines, its range bounded. */
function globals({ characters }: TemplateLimits): Environment {
  const environment = new Environment()
  for (const [names, value] of [
    ['true True', true],
    ['false False', false],
    ['none None', null],
  ] as const)
    for (const name of names.split(' ')) environment.set(name, value)
  environment.set('raise_exception', (message: string) => {
    throw new Error(message)
  })
  // The engine does not export its clock; a template of it does.
  environment.set('strftime_now', (format: string) => new Template('{{ strftime_now(format) }}').render({ format }))
  environment.set('range', (first: number, stop?: number, step = 1) => {
    const [from, to] = stop === undefined ? [0, first] : [first, stop]
    if (step === 0) throw new Error('range() step must not be zero')
    const length = Math.max(0, Math.ceil((to - from) / step))
    if (!(length <= characters)) throw beyondTemplateLimit(`a range of it would have ${length} numbers`)
    return Array.from({ length }, (_, i) => from + i * step)
  })
  return environment
}

type Evaluate = Interpreter['evaluate']
type Value = ReturnType<Evaluate>
/** The fields of the engine's nodes that are looked at here. */
interface Node {
  type: string
  value?: unknown
  computed?: boolean
  args?: Node[]
  callee?: Node
  call?: Node
  iterable?: Node
  lhs?: Node
  property?: Node
  filter?: Node
  operator?: Node
}

/** How large a value is. */
interface Measure {
  /** Characters where it is written out, about. */
  size: number
  /** Items, or characters of a string. */
  length: number
  depth: number
  /** A number's value. */
  number?: number
}

/** A node being evaluated, and what of it has been. */
interface Frame {
  node: Node
  operands: Measure[]
}

/**
 * Counts what the engine does. Whatever it evaluates goes through `counted`, which knows a node's operands before the node works
 * with them: so growth is refused before it happens. Values are measured written out, as a list that holds another twice
 * doubles by each nesting what it takes to print, and nothing to make.
 */
class Counter {
  readonly #limits: TemplateLimits
  readonly #deadline: number
  readonly #frames: Frame[] = []
  /** Of values that cannot change any more. */
  readonly #measures = new WeakMap<object, Measure>()
  /** What the last member expression looked up: a method about to be called. */
  #member: { name: unknown; subject: Measure } | undefined
  #steps = 0
  #nextLook = 0

  constructor(limits: TemplateLimits) {
    this.#limits = limits
    this.#deadline = Date.now() + limits.milliseconds
  }

  counted(statement: Parameters<Evaluate>[0], evaluate: () => Value): Value {
    if (!statement) return evaluate()
    this.#take(1)
    const frame: Frame = { node: statement as unknown as Node, operands: [] }
    if (this.#frames.push(frame) > this.#limits.depth) throw this.#tooDeep()
    let value: Value
    try {
      value = evaluate()
    } finally {
      this.#frames.pop()
    }
    const measure = this.#measure(value, 0)
    if (frame.node.type === 'MemberExpression') this.#noteMember(frame, value)
    const parent = this.#frames.at(-1)
    if (parent) this.#hand(parent, frame.node, measure, value)
    return value
  }

  #take(steps: number): void {
    this.#steps += steps
    if (this.#steps > this.#limits.steps) throw beyondTemplateLimit(`it takes more than ${this.#limits.steps} steps`)
    if (this.#steps < this.#nextLook) return
    this.#nextLook = this.#steps + 1000
    if (Date.now() >= this.#deadline)
      throw beyondTemplateLimit(`it takes more than ${this.#limits.milliseconds / 1000} s`)
  }

  #tooDeep = () => beyondTemplateLimit(`it is nested deeper than ${this.#limits.depth}`)

  #measure(value: Value | undefined, depth: number): Measure {
    if (depth > this.#limits.depth) throw this.#tooDeep()
    const known = value && this.#measures.get(value)
    if (known) return known
    const content: unknown = value?.value
    if (typeof content === 'string') return this.#checked({ size: content.length, length: content.length, depth: 0 })
    if (typeof content === 'number') return { size: 1, length: 1, depth: 0, number: Math.abs(content) }
    const isMap = content instanceof Map
    if (!isMap && !Array.isArray(content)) return { size: 1, length: 1, depth: 0 }
    const items = [...(content as Map<string, Value> | Value[]).values()]
    this.#take(items.length / 16)
    const measure: Measure = { size: 2, length: items.length, depth: 0 }
    if (isMap) for (const key of content.keys() as Iterable<string>) measure.size += key.length
    let isSettled = value?.type !== 'NamespaceValue'
    for (const item of items) {
      const { size, depth: below } = this.#measure(item, depth + 1)
      measure.size += size
      measure.depth = Math.max(measure.depth, below + 1)
      isSettled &&= typeof item.value !== 'object' || item.value === null || this.#measures.has(item)
      this.#checked(measure)
    }
    // A namespace can be filled later, and with it what holds it.
    if (isSettled) this.#measures.set(value!, measure)
    return measure
  }

  #checked(measure: Measure): Measure {
    if (measure.depth > this.#limits.depth) throw this.#tooDeep()
    if (measure.size <= this.#limits.characters) return measure
    throw beyondTemplateLimit(`a value of it has more than ${this.#limits.characters} characters`)
  }

  #noteMember({ node, operands: [subject] }: Frame, value: Value): void {
    if (node.computed && node.property?.type === 'SliceExpression') this.#take(subject!.length / 16)
    const name = node.computed ? this.#lastText : node.property?.value
    this.#member = value.type === 'FunctionValue' && subject ? { name, subject } : undefined
  }

  /** The text evaluated last: of `x["name"]`, the name. */
  #lastText: unknown

  /** An operand is ready: what its node is about to do with it is counted, and refused where it grows too much. */
  #hand(parent: Frame, child: Node, measure: Measure, value: Value): void {
    const { node, operands } = parent
    if (typeof value.value === 'string') this.#lastText = value.value
    switch (node.type) {
      case 'For':
        if (child === node.iterable || child === node.iterable?.lhs) this.#take(measure.length)
        return
      case 'BinaryExpression':
        operands.push(measure)
        if (operands.length === 2) this.#beforeOperator(node.operator?.value, operands as [Measure, Measure])
        return
      case 'CallExpression':
      case 'CallStatement': {
        const call = node.call ?? node
        if (child !== call.callee) operands.push(measure)
        else if (this.#member && child.type === 'MemberExpression')
          this.#beforeMethod(this.#member.name, this.#member.subject, operands, call)
        return
      }
      case 'FilterStatement':
        // Its body is many statements, of one text.
        if (operands.length === 1 && !isArgument(child, node.filter)) {
          operands[0] = this.#checked({ ...measure, size: operands[0]!.size + measure.size })
          break
        }
        operands.push(measure)
        break
      case 'FilterExpression':
        operands.push(measure)
        break
      default:
        if (node.type === 'MemberExpression' && operands.length < 2) operands.push(measure)
        return
    }
    const name = node.filter?.callee ? node.filter.callee.value : node.filter?.value
    this.#beforeMethod(name, operands[0]!, operands.slice(1), node.filter)
  }

  #beforeOperator(operator: unknown, [left, right]: [Measure, Measure]): void {
    if (operator === 'in' || operator === 'not in') this.#search(right, left)
    // Texts are joined by reference, lists are copied.
    else if (left.depth + right.depth > 0) this.#take((left.length + right.length) / 16)
    else if (operator === '*' && (left.number === undefined || right.number === undefined))
      this.#growTo(left.size * (left.number ?? 1) * right.size * (right.number ?? 1))
  }

  #beforeMethod(name: unknown, subject: Measure, operands: readonly Measure[], call: Node | undefined): void {
    if (typeof name !== 'string' || constantTime.has(name)) return
    this.#take(subject.size / 16)
    const sizes = operands.map(({ size, number }) => number ?? size)
    const sum = sizes.reduce((total, size) => total + size, 0)
    if (name === 'split' || name === 'replace') this.#search(subject, operands[0])
    if (name === 'sort' || name === 'dictsort') this.#take((subject.size * Math.log2(subject.length + 1)) / 16)
    if (name === 'replace') {
      // Of arguments in a list it is not known which is which.
      const isSpread = call?.args?.some(({ type }) => type === 'SpreadExpression')
      const [old, replacement] = isSpread ? [1, sum] : [Math.max(1, sizes[0] ?? 1), sizes[1] ?? 0]
      this.#growTo(subject.size + ((subject.size + 1) / old) * replacement)
    }
    if (name === 'join' || name === 'indent') this.#growTo(subject.size * (1 + sum))
    if (name === 'tojson') this.#growTo(subject.size * (1 + sum * (1 + subject.depth)))
  }

  /** At worst every place is compared with all that is sought; 256 characters a step, as the machine does it. */
  #search(text: Measure, sought: Measure | undefined): void {
    this.#take((text.size * Math.min(sought?.size ?? 1, text.size)) / 256)
  }

  #growTo(characters: number): void {
    if (!(characters <= this.#limits.characters))
      throw beyondTemplateLimit(`a value of it would have more than ${this.#limits.characters} characters`)
    this.#take(characters / 16)
  }
}

const isArgument = (node: Node, filter: Node | undefined): boolean =>
  filter?.args?.some((argument) => argument === node || argument.value === node) ?? false

/** Filters and methods that do not go through what they are asked of. */
const constantTime: ReadonlySet<string> = new Set([
  'length',
  'count',
  'first',
  'last',
  'list',
  'get',
  'safe',
  'default',
  'd',
])
