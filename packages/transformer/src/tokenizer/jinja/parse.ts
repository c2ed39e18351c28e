import { TemplateSyntaxError } from './failure'
import { normalizedSource, tokenize } from './lexer'
import type { Argument, Body, Expression, MacroNode, Statement } from './nodes'
import { parseExpression, parseFilter, parseTarget, parseTuple } from './parse-expression'
import { TokenStream } from './token-stream'

/**
 * Parses a template as jinja2 3.1.6 does with the settings of transformers: `trim_blocks`, `lstrip_blocks`, loop controls, and
 * the tag `generation`.
 *
 * @throws TemplateSyntaxError, and RangeError where it is nested deeper than `mostDepth`
 */
export function parseTemplate(source: string, mostDepth: number): Body {
  return new Parser(new TokenStream(tokenize(normalizedSource(source)), mostDepth)).template()
}

/** Jinja2's tags for several files, which no chat template can use: they are refused when they are come to. */
const unsupported: readonly string[] = ['extends', 'include', 'import', 'from', 'autoescape']

class Parser {
  readonly #stream: TokenStream
  readonly #open: string[] = []
  #loops = 0

  constructor(stream: TokenStream) {
    this.#stream = stream
  }

  template(): Body {
    return this.#statements([])
  }

  /** Up to a tag of these names, which is the current token then; to the end of the template where there are none. */
  #statements(ends: readonly string[]): Body {
    const stream = this.#stream
    const body: Statement[] = []
    for (;;) {
      const token = stream.current
      const { at } = token
      if (token.type === 'data') body.push({ type: 'Data', text: token.value, at })
      if (token.type === 'eof') {
        if (ends.length === 0) return body
        throw new TemplateSyntaxError(
          `Unexpected end of template. The innermost block that needs to be closed is '${this.#open.at(-1)}'`,
          at,
        )
      }
      stream.next()
      if (token.type === 'variable_begin') {
        body.push({ type: 'Output', value: parseTuple(stream), at })
        stream.expect('variable_end')
      } else if (token.type === 'block_begin') {
        if (stream.isWord(...ends)) return body
        body.push(...stream.nested(() => this.#statement(at)))
        stream.expect('block_end')
      }
    }
  }

  /** The body of a tag, up to and over the name of the tag that ends it. */
  #body(tag: string, ends: readonly string[]): { body: Body; end: string } {
    this.#stream.skipIf('operator', ':')
    this.#stream.expect('block_end')
    this.#open.push(tag)
    const body = this.#statements(ends)
    this.#open.pop()
    return { body, end: this.#stream.expectName() }
  }

  /** The body of a function of its own: a loop around it is none to break off. */
  #functionBody(tag: string): Body {
    const loops = this.#loops
    this.#loops = 0
    const { body } = this.#body(tag, [`end${tag}`])
    this.#loops = loops
    return body
  }

  #statement(at: number): Statement[] {
    const stream = this.#stream
    const { value: tag, at: place } = stream.expect('name')
    switch (tag) {
      case 'set':
        return [this.#set(at)]
      case 'for':
        return [this.#for(at)]
      case 'if':
        return [this.#if(at)]
      case 'with':
        return [this.#with(at)]
      case 'macro': {
        const name = stream.expectName()
        return [{ type: 'Macro', name, ...this.#macro('macro', this.#signature()), at }]
      }
      case 'call': {
        const parameters = stream.is('operator', '(') ? this.#signature() : []
        const call = parseExpression(stream)
        if (call.type !== 'Call') throw new TemplateSyntaxError('expected call', place)
        return [{ type: 'CallBlock', call, ...this.#macro('call', parameters), at }]
      }
      case 'filter': {
        const filter = this.#filters(parseFilter(stream))!
        return [{ type: 'FilterBlock', filter, body: this.#body('filter', ['endfilter']).body, at }]
      }
      case 'generation':
        return [{ type: 'Scope', body: this.#functionBody('generation'), at }]
      case 'block':
        return [this.#block(at)]
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateSyntaxError(`'${tag}' outside loop`, place)
        return [{ type: tag === 'break' ? 'Break' : 'Continue', at }]
      case 'print': {
        const printed: Statement[] = []
        while (!stream.is('block_end')) {
          if (printed.length > 0) stream.expect('operator', ',')
          printed.push({ type: 'Output', value: parseExpression(stream), at })
        }
        return printed
      }
    }
    if (!unsupported.includes(tag as string)) throw this.#unknownTag(tag as string, place)
    while (!stream.is('block_end') && !stream.is('eof')) stream.next()
    if (tag !== 'autoescape') return [{ type: 'Unsupported', what: `the tag ${tag}`, at }]
    this.#body('autoescape', ['endautoescape'])
    return [{ type: 'Unsupported', what: 'the tag autoescape', at }]
  }

  #unknownTag(tag: string, at: number): TemplateSyntaxError {
    const open = this.#open.at(-1)
    const why = open === undefined ? '' : ` The innermost block that needs to be closed is '${open}'`
    return new TemplateSyntaxError(`Encountered unknown tag '${tag}'.${why}`.replace(/\.$/, ''), at)
  }

  #set(at: number): Statement {
    const stream = this.#stream
    const target = parseTarget(stream, { withNamespace: true, isEnd: () => stream.is('operator', '=') })
    if (stream.skipIf('operator', '=')) return { type: 'Set', target, value: parseTuple(stream), at }
    const filter = this.#filters(undefined)
    const { body } = this.#body('set', ['endset'])
    return { type: 'SetBlock', target, ...(filter && { filter }), body, at }
  }

  /** Filters after filters, each of what is before it. */
  #filters(node: Expression | undefined): Expression | undefined {
    while (this.#stream.skipIf('operator', '|')) node = parseFilter(this.#stream, node)
    return node
  }

  #for(at: number): Statement {
    const stream = this.#stream
    const target = parseTarget(stream, { isEnd: () => stream.isWord('in') })
    stream.expect('name', 'in')
    const iterable = parseTuple(stream, { withCondition: false, isEnd: () => stream.isWord('recursive') })
    const test = stream.skipIf('name', 'if') ? parseExpression(stream) : undefined
    const recursive = stream.skipIf('name', 'recursive')
    // The body of a recursive loop is a function, with a loop in it.
    this.#loops++
    const { body, end } = this.#body('for', ['endfor', 'else'])
    this.#loops--
    const otherwise = end === 'else' ? this.#body('for', ['endfor']).body : []
    return { type: 'For', target, iterable, ...(test && { test }), recursive, body, otherwise, at }
  }

  #if(at: number): Statement {
    const branches: { test: Expression; body: Body }[] = []
    for (;;) {
      const test = parseTuple(this.#stream, { withCondition: false })
      const { body, end } = this.#body('if', ['elif', 'else', 'endif'])
      branches.push({ test, body })
      if (end === 'elif') continue
      return { type: 'If', branches, otherwise: end === 'else' ? this.#body('if', ['endif']).body : [], at }
    }
  }

  #with(at: number): Statement {
    const stream = this.#stream
    const values: [ReturnType<typeof parseTarget>, Expression][] = []
    while (!stream.is('block_end')) {
      if (values.length > 0) stream.expect('operator', ',')
      const target = parseTarget(stream, { isEnd: () => stream.is('operator', '=') })
      stream.expect('operator', '=')
      values.push([target, parseExpression(stream)])
    }
    return { type: 'With', values, body: this.#body('with', ['endwith']).body, at }
  }

  /** A block of a template that nothing extends is written where it stands. */
  #block(at: number): Statement {
    const stream = this.#stream
    const name = stream.expectName()
    const isScoped = stream.skipIf('name', 'scoped')
    if (stream.isWord('required')) throw stream.wrong('a required block has nobody to fill it')
    const body = this.#functionBody('block')
    stream.skipIf('name', name)
    if (!isScoped && this.#open.some((tag) => tag !== 'if'))
      return { type: 'Unsupported', what: 'a block without "scoped" inside another tag', at }
    return { type: 'Scope', body, at }
  }

  #signature(): Argument[] {
    const stream = this.#stream
    const parameters: Argument[] = []
    stream.expect('operator', '(')
    while (!stream.is('operator', ')')) {
      if (parameters.length > 0) stream.expect('operator', ',')
      const { at } = stream.current
      const name = stream.expectName()
      if (name === 'caller' && !stream.is('operator', '='))
        throw new TemplateSyntaxError("a parameter named 'caller' must have a default", at)
      if (stream.skipIf('operator', '=')) parameters.push({ name, fallback: parseExpression(stream) })
      else if (parameters.at(-1)?.fallback)
        throw new TemplateSyntaxError('non-default argument follows default argument', at)
      else parameters.push({ name })
    }
    stream.expect('operator', ')')
    return parameters
  }

  #macro(tag: string, parameters: readonly Argument[]): MacroNode {
    const body = this.#functionBody(tag)
    const names = namesIn(body)
    const asksFor = (name: string) => names.has(name) && !parameters.some((parameter) => parameter.name === name)
    return {
      parameters,
      body,
      uses: { caller: asksFor('caller'), varargs: asksFor('varargs'), kwargs: asksFor('kwargs') },
    }
  }
}

/** Every name that is read in a body. */
function namesIn(body: Body): Set<string> {
  const names = new Set<string>()
  const left: unknown[] = [body]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (typeof node !== 'object' || node === null) continue
    if ((node as { type?: string }).type === 'Name') names.add((node as { name: string }).name)
    left.push(...Object.values(node).filter((value) => value !== undefined))
  }
  return names
}
