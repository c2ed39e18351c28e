import { getAttribute, getItem, getSlice, undefinedName } from './attributes'
import type { Budget } from './budget'
import { TemplateFailure, typeError, UnsupportedInTemplate, valueError } from './failure'
import { filters } from './filters'
import { globalsOf, setAttribute } from './globals'
import { Loop } from './loop'
import { macroOf } from './macro'
import type { Body, CallArguments, Expression, MacroNode, Statement, Target } from './nodes'
import { binary, compare, signed } from './operators'
import { toText } from './python-text'
import type { Runtime } from './runtime'
import { Scope } from './scope'
import { tests } from './value-tests'
import {
  Callable,
  Dict,
  Instance,
  isTrue,
  itemsOf,
  type Kwargs,
  Namespace,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from './values'

/** How a body ended before its end. */
type Cut = 'break' | 'continue' | undefined

/** Writes a template. */
export class Interpreter implements Runtime {
  /** Where in the source the last node began that was come to. */
  at = 0
  readonly #globals: ReadonlyMap<string, Value>

  constructor(readonly budget: Budget) {
    this.#globals = globalsOf(budget)
  }

  render(body: Body, variables: Iterable<readonly [string, Value]>): string {
    const scope = new Scope()
    for (const [name, value] of variables) scope.set(name, value)
    return this.#text(body, scope)
  }

  filter(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): Value {
    const filter = Object.hasOwn(filters, name) ? filters[name] : undefined
    if (!filter) throw new TemplateFailure(`No filter named '${name}'`, 'LookupError')
    this.budget.step()
    return filter(this, value, args, kwargs)
  }

  test(name: string, value: Value, args: readonly Value[], kwargs: Kwargs): boolean {
    const test = Object.hasOwn(tests, name) ? tests[name] : undefined
    if (!test) throw new TemplateFailure(`No test named '${name}'`, 'LookupError')
    this.budget.step()
    return test(this, value, args, kwargs)
  }

  call(callee: Value, args: readonly Value[], kwargs: Kwargs): Value {
    if (callee instanceof Undefined) throw callee.fail()
    const call = callee instanceof Callable || callee instanceof Instance ? callee.call : undefined
    if (!call) throw typeError(`'${typeName(callee)}' object is not callable`)
    return call(args, kwargs)
  }

  /** A body as text of its own, whatever cuts it off. */
  #text(body: Body, scope: Scope): string {
    const out: string[] = []
    this.#run(body, scope, new Output(this.budget, out))
    return out.join('')
  }

  #run(body: Body, scope: Scope, out: Output): Cut {
    for (const statement of body) {
      this.budget.step()
      this.at = statement.at
      const cut = this.#statement(statement, scope, out)
      if (cut) return cut
    }
    return undefined
  }

  #statement(node: Statement, scope: Scope, out: Output): Cut {
    switch (node.type) {
      case 'Data':
        out.put(node.text)
        return
      case 'Output':
        out.put(toText(this.budget, this.#value(node.value, scope)))
        return
      case 'Set':
        this.#assign(node.target, this.#value(node.value, scope), scope)
        return
      case 'If': {
        const branch = node.branches.find(({ test }) => isTrue(this.#value(test, scope)))
        return this.budget.deeper(() => this.#run(branch?.body ?? node.otherwise, scope, out))
      }
      case 'For':
        return this.#for(node, scope, out)
      case 'Break':
        return 'break'
      case 'Continue':
        return 'continue'
      case 'Macro':
        scope.set(node.name, this.#macro(node.name, node, scope))
        return
      case 'Scope':
        return this.budget.deeper(() => this.#run(node.body, new Scope(scope), out))
      case 'With': {
        const inner = new Scope(scope)
        const values = node.values.map(([target, value]) => [target, this.#value(value, scope)] as const)
        for (const [target, value] of values) this.#assign(target, value, inner)
        return this.budget.deeper(() => this.#run(node.body, inner, out))
      }
      case 'CallBlock': {
        const caller = this.#macro('caller', node, scope)
        const callee = this.#value(node.call.callee, scope)
        const { args, kwargs } = this.#arguments(node.call, scope)
        out.put(toText(this.budget, this.call(callee, args, new Map([...kwargs, ['caller', caller]]))))
        return
      }
      case 'SetBlock':
      case 'FilterBlock': {
        const text: string[] = []
        const cut = this.budget.deeper(() => this.#run(node.body, new Scope(scope), new Output(this.budget, text)))
        if (cut) return cut
        const { filter } = node
        const value = filter ? this.#filtered(filter, text.join(''), scope) : text.join('')
        if (node.type === 'SetBlock') this.#assign(node.target, value, scope)
        else out.put(toText(this.budget, value))
        return
      }
      case 'Unsupported':
        throw new UnsupportedInTemplate(node.what)
    }
  }

  /** Filters of a block: the innermost takes its text. */
  #filtered(node: Expression, text: string, scope: Scope): Value {
    if (node.type !== 'Filter') throw typeError('a block has filters')
    const of = node.of ? this.#filtered(node.of, text, scope) : text
    const { args, kwargs } = this.#arguments(node, scope)
    return this.filter(node.name, of, args, kwargs)
  }

  #for(node: Statement & { type: 'For' }, scope: Scope, out: Output): Cut {
    const over = (value: Value, depth0: number, to: Output): void => {
      const all = itemsOf(value)
      this.budget.through(all.length)
      const items = node.test ? all.filter((item) => this.#passes(node, item, scope)) : all
      const recurse = (inner: Value): Value => {
        const text: string[] = []
        this.budget.deeper(() => over(inner, depth0 + 1, new Output(this.budget, text)))
        return text.join('')
      }
      const loop = new Loop(this.budget, items, depth0, node.recursive ? recurse : undefined)
      for (const item of items) {
        this.budget.step()
        loop.next()
        const inner = new Scope(scope)
        this.#assign(node.target, item, inner)
        inner.set('loop', loop)
        if (this.#run(node.body, inner, to) === 'break') break
      }
      if (items.length === 0) this.#run(node.otherwise, new Scope(scope), to)
    }
    this.budget.deeper(() => over(this.#value(node.iterable, scope), 0, out))
    return undefined
  }

  #passes(node: Statement & { type: 'For' }, item: Value, scope: Scope): boolean {
    const inner = new Scope(scope)
    this.#assign(node.target, item, inner)
    return isTrue(this.#value(node.test!, inner))
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    switch (target.type) {
      case 'Name':
        scope.set(target.name, value)
        return
      case 'NSRef': {
        const namespace = scope.get(target.name)
        if (!(namespace instanceof Namespace))
          throw new TemplateFailure('cannot assign attribute on non-namespace object', 'TemplateError')
        setAttribute(namespace, target.attribute, value)
        return
      }
      case 'Tuple': {
        const items = itemsOf(value)
        const wanted = target.items.length
        if (items.length > wanted) throw valueError(`too many values to unpack (expected ${wanted})`)
        if (items.length < wanted)
          throw valueError(`not enough values to unpack (expected ${wanted}, got ${items.length})`)
        for (const [i, one] of target.items.entries()) this.#assign(one, items[i]!, scope)
      }
    }
  }

  #macro(name: string, node: MacroNode, scope: Scope): Callable {
    return macroOf(name, node, (parameters) =>
      this.budget.deeper(() => {
        const inner = new Scope(scope)
        for (const [parameter, given] of parameters) {
          const fallback = node.parameters.find((one) => one.name === parameter)?.fallback
          if (given !== undefined) inner.set(parameter, given)
          else inner.set(parameter, fallback ? this.#value(fallback, inner) : notGiven(parameter))
        }
        return this.#text(node.body, inner)
      }),
    )
  }

  #arguments(node: CallArguments, scope: Scope): { args: Value[]; kwargs: Map<string, Value> } {
    const args = node.args.map((argument) => this.#value(argument, scope))
    const kwargs = new Map(node.kwargs.map(({ name, value }) => [name, this.#value(value, scope)]))
    if (node.dynArgs) args.push(...itemsOf(this.#value(node.dynArgs, scope)))
    if (node.dynKwargs) {
      const more = this.#value(node.dynKwargs, scope)
      if (!(more instanceof Dict)) throw typeError('argument after ** must be a mapping')
      for (const [key, value] of more.entries()) {
        const name = textOf(key)
        if (name === undefined) throw typeError('keywords must be strings')
        if (kwargs.has(name)) throw typeError(`got multiple values for keyword argument '${name}'`)
        kwargs.set(name, value)
      }
    }
    this.budget.through(args.length + kwargs.size)
    return { args, kwargs }
  }

  #value(node: Expression, scope: Scope): Value {
    this.budget.step()
    this.at = node.at
    return this.budget.deeper(() => this.#expression(node, scope))
  }

  #expression(node: Expression, scope: Scope): Value {
    const { budget } = this
    switch (node.type) {
      case 'Const':
        return node.value
      case 'Name':
        return this.#named(node.name, scope)
      case 'List':
        return node.items.map((item) => this.#value(item, scope))
      case 'Tuple':
        return new Tuple(node.items.map((item) => this.#value(item, scope)))
      case 'Dict':
        return new Dict(node.items.map(([key, value]) => [this.#value(key, scope), this.#value(value, scope)]))
      case 'Concat': {
        const texts = node.items.map((item) => toText(budget, this.#value(item, scope)))
        // Texts are joined by reference.
        budget.hold(texts.reduce((sum, text) => sum + text.length, 0))
        return texts.reduce((all, text) => all + text, '')
      }
      case 'Getattr':
        return getAttribute(budget, this.#value(node.of, scope), node.name)
      case 'Getitem': {
        const of = this.#value(node.of, scope)
        if (node.index.type !== 'Slice') return getItem(budget, of, this.#value(node.index, scope))
        const parts = node.index.parts.map((part) => (part ? this.#value(part, scope) : null))
        return getSlice(budget, of, parts)
      }
      case 'Slice':
        throw new UnsupportedInTemplate('a slice among several indices')
      case 'Call': {
        const callee = this.#value(node.callee, scope)
        const { args, kwargs } = this.#arguments(node, scope)
        this.at = node.at
        return this.call(callee, args, kwargs)
      }
      case 'Filter': {
        const of = this.#value(node.of!, scope)
        const { args, kwargs } = this.#arguments(node, scope)
        this.at = node.at
        return this.filter(node.name, of, args, kwargs)
      }
      case 'Test': {
        const of = this.#value(node.of, scope)
        const { args, kwargs } = this.#arguments(node, scope)
        this.at = node.at
        return this.test(node.name, of, args, kwargs)
      }
      case 'Binary': {
        const left = this.#value(node.left, scope)
        return binary(budget, node.operator, left, this.#value(node.right, scope))
      }
      case 'And': {
        const left = this.#value(node.left, scope)
        return isTrue(left) ? this.#value(node.right, scope) : left
      }
      case 'Or': {
        const left = this.#value(node.left, scope)
        return isTrue(left) ? left : this.#value(node.right, scope)
      }
      case 'Not':
        return !isTrue(this.#value(node.of, scope))
      case 'Neg':
      case 'Pos':
        return signed(node.type, this.#value(node.of, scope))
      case 'Compare': {
        let left = this.#value(node.first, scope)
        for (const { operator, value } of node.rest) {
          const right = this.#value(value, scope)
          if (!compare(budget, operator, left, right)) return false
          left = right
        }
        return true
      }
      case 'CondExpr':
        if (isTrue(this.#value(node.test, scope))) return this.#value(node.value, scope)
        return node.otherwise
          ? this.#value(node.otherwise, scope)
          : new Undefined('the inline if-expression evaluated to false and no else section was defined')
    }
  }

  #named(name: string, scope: Scope): Value {
    const value = scope.get(name)
    if (value !== undefined) return value
    if (name === 'self') throw new UnsupportedInTemplate('the name self')
    return this.#globals.get(name) ?? undefinedName(name)
  }
}

const notGiven = (name: string) => new Undefined(`parameter '${name}' was not provided`)

/** The text of a body as it grows. */
class Output {
  readonly #budget: Budget
  readonly #pieces: string[]
  #length = 0

  constructor(budget: Budget, pieces: string[]) {
    this.#budget = budget
    this.#pieces = pieces
  }

  put(text: string): void {
    if (text === '') return
    this.#length += text.length
    this.#budget.hold(this.#length)
    this.#budget.through(text.length)
    this.#pieces.push(text)
  }
}
