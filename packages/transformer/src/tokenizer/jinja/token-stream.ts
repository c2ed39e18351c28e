import { TemplateSyntaxError } from './failure'
import type { Token } from './lexer'

/** The tokens of a template, one after another. */
export class TokenStream {
  readonly #tokens: readonly Token[]
  readonly #mostDepth: number
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[], mostDepth: number) {
    this.#tokens = tokens
    this.#mostDepth = mostDepth
  }

  get current(): Token {
    return this.#tokens[this.#next]!
  }

  get ahead(): Token {
    return this.#tokens[this.#next + 1] ?? this.current
  }

  next(): Token {
    const token = this.current
    if (this.#next < this.#tokens.length - 1) this.#next++
    return token
  }

  /** Whether the current token is of a type, or this operator or word. */
  is(type: Token['type'], value?: string): boolean {
    const { current } = this
    return current.type === type && (value === undefined || current.value === value)
  }

  isWord(...words: readonly string[]): boolean {
    const { type, value } = this.current
    return type === 'name' && words.includes(value)
  }

  skipIf(type: Token['type'], value?: string): boolean {
    const found = this.is(type, value)
    if (found) this.next()
    return found
  }

  expect(type: Token['type'], value?: string): Token {
    if (this.is(type, value)) return this.next()
    throw this.wrong(`expected ${value === undefined ? type.replace('_', ' ') : `'${value}'`}`)
  }

  expectName(): string {
    return this.expect('name').value as string
  }

  wrong(expected: string): TemplateSyntaxError {
    const { type, value, at } = this.current
    const found =
      type === 'eof' ? 'the end of the template' : type.endsWith('_end') ? 'the end of the tag' : `'${value}'`
    return new TemplateSyntaxError(`${expected}, got ${found}`, at)
  }

  /** Parses what is one deeper. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > this.#mostDepth) throw new RangeError(`it is nested deeper than ${this.#mostDepth}`)
    const parsed = parse()
    this.#depth--
    return parsed
  }
}
