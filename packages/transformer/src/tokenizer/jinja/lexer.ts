import { TemplateSyntaxError } from './failure'

/** `value` of a string has its escapes resolved; operators and marks have their text as `type`. */
export type Token =
  | { type: 'data' | 'name' | 'string'; value: string; at: number }
  | { type: 'integer'; value: bigint; at: number }
  | { type: 'float'; value: number; at: number }
  | {
      type: 'operator' | 'block_begin' | 'block_end' | 'variable_begin' | 'variable_end' | 'eof'
      value: string
      at: number
    }

/** White space as Python's `\s`, which is not JavaScript's. */
const isBlank = (code: number): boolean =>
  (code >= 9 && code <= 13) ||
  (code >= 28 && code <= 32) ||
  code === 0x85 ||
  code === 0xa0 ||
  (code >= 0x1680 &&
    (code === 0x1680 ||
      (code >= 0x2000 && code <= 0x200a) ||
      code === 0x2028 ||
      code === 0x2029 ||
      code === 0x202f ||
      code === 0x205f ||
      code === 0x3000))

/** Line ends as Jinja2 reads them: newlines, the last one dropped. */
export function normalizedSource(source: string): string {
  const text = source.replace(/\r\n|\r/g, '\n')
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

/**
 * The tokens of a template, as jinja2/lexer.py of 3.1.6 cuts them with `trim_blocks` and `lstrip_blocks`, in time that grows
 * with the source alone.
 *
 * @param source  by `normalizedSource`
 */
export function tokenize(source: string): Token[] {
  return new Lexer(source).tokens()
}

type Sign = '-' | '+' | ''

const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy
const float = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy
const name = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy
const operator = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y
const closing: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' }

class Lexer {
  readonly #source: string
  readonly #tokens: Token[] = []
  #at = 0
  /** Whether the text before `#at` ended a line. */
  #lineStarting = true

  constructor(source: string) {
    this.#source = source
  }

  tokens(): Token[] {
    const source = this.#source
    while (this.#at < source.length) {
      const start = this.#nextMark()
      if (start < 0) {
        this.#data(this.#at, source.length)
        break
      }
      const kind = source[start + 1]!
      const sign = this.#sign(start + 2)
      const raw = kind === '%' ? this.#rawBegin(start) : undefined
      this.#dataBefore(start, sign, kind !== '{')
      this.#at = start + 2 + sign.length
      if (raw !== undefined) this.#raw(start, raw)
      else if (kind === '#') this.#comment(start)
      else this.#inside(kind === '%' ? 'block' : 'variable', start)
    }
    this.#tokens.push({ type: 'eof', value: '', at: source.length })
    return this.#tokens
  }

  #nextMark(): number {
    for (let at = this.#source.indexOf('{', this.#at); at >= 0; at = this.#source.indexOf('{', at + 1))
      if ('{%#'.includes(this.#source[at + 1] ?? ' ')) return at
    return -1
  }

  #sign(at: number): Sign {
    const sign = this.#source[at]
    return sign === '-' || sign === '+' ? sign : ''
  }

  #skipBlanks(at: number): number {
    while (at < this.#source.length && isBlank(this.#source.charCodeAt(at))) at++
    return at
  }

  #data(start: number, end: number): void {
    if (end > start) this.#tokens.push({ type: 'data', value: this.#source.slice(start, end), at: start })
  }

  /** The text up to a mark, without the white space that belongs to the mark. */
  #dataBefore(mark: number, sign: Sign, lstrip: boolean): void {
    let end = mark
    if (sign === '-') {
      while (end > this.#at && isBlank(this.#source.charCodeAt(end - 1))) end--
    } else if (sign !== '+' && lstrip) {
      const line = Math.max(this.#source.lastIndexOf('\n', mark - 1) + 1, this.#at)
      if (mark > line && (line > this.#at || this.#lineStarting) && this.#skipBlanks(line) >= mark) end = line
    }
    this.#data(this.#at, end)
  }

  /** After what ends a mark: a newline is dropped, or all white space. */
  #after(at: number, sign: Sign, trim: boolean): void {
    const start = at
    if (sign === '-') at = this.#skipBlanks(at)
    else if (sign === '' && trim && this.#source[at] === '\n') at++
    this.#at = at
    this.#lineStarting = at > start && this.#source[at - 1] === '\n'
  }

  #comment(start: number): void {
    const close = this.#source.indexOf('#}', this.#at)
    if (close < 0) throw new TemplateSyntaxError('Missing end of comment tag', start)
    const sign = close > this.#at ? this.#sign(close - 1) : ''
    this.#after(close + 2, sign, true)
  }

  /** Of `{% raw %}`, where its text begins, and how it is signed. */
  #rawBegin(start: number): { at: number; sign: Sign } | undefined {
    const word = this.#skipBlanks(start + 2 + this.#sign(start + 2).length)
    if (!this.#source.startsWith('raw', word)) return undefined
    const end = this.#skipBlanks(word + 3)
    if (this.#source.startsWith('%}', end)) return { at: end + 2, sign: '' }
    return this.#source.startsWith('-%}', end) ? { at: end + 3, sign: '-' } : undefined
  }

  #raw(start: number, begin: { at: number; sign: Sign }): void {
    this.#after(begin.at, begin.sign, false)
    for (let at = this.#source.indexOf('{%', this.#at); at >= 0; at = this.#source.indexOf('{%', at + 1)) {
      const sign = this.#sign(at + 2)
      const word = this.#skipBlanks(at + 2 + sign.length)
      if (!this.#source.startsWith('endraw', word)) continue
      const end = this.#skipBlanks(word + 6)
      const endSign = this.#sign(end)
      if (!this.#source.startsWith('%}', end + endSign.length)) continue
      this.#dataBefore(at, sign, true)
      this.#after(end + endSign.length + 2, endSign, true)
      return
    }
    throw new TemplateSyntaxError('Missing end of raw directive', start)
  }

  /** The inside of `{% … %}` or `{{ … }}`. */
  #inside(kind: 'block' | 'variable', start: number): void {
    const tokens = this.#tokens
    const source = this.#source
    const close = kind === 'block' ? '%}' : '}}'
    const open: string[] = []
    tokens.push({ type: `${kind}_begin`, value: source.slice(start, start + 2), at: start })
    for (;;) {
      const at = this.#skipBlanks(this.#at)
      this.#at = at
      if (at >= source.length) return
      if (open.length === 0) {
        const sign = kind === 'block' || source[at] === '-' ? this.#sign(at) : ''
        if (source.startsWith(close, at + sign.length)) {
          tokens.push({ type: `${kind}_end`, value: close, at })
          this.#after(at + sign.length + 2, sign, kind === 'block')
          return
        }
      }
      this.#token(at, open)
    }
  }

  #token(at: number, open: string[]): void {
    const tokens = this.#tokens
    const source = this.#source
    const match = (expression: RegExp) => {
      expression.lastIndex = at
      const text = expression.exec(source)?.[0]
      if (text !== undefined) this.#at = at + text.length
      return text
    }
    const code = source.charCodeAt(at)
    let text: string | undefined
    if (code >= 48 && code <= 57) {
      // A float does not begin after a point: `x.1.2` has two integers.
      if (source[at - 1] !== '.') text = match(float)
      if (text !== undefined) {
        tokens.push({ type: 'float', value: Number(text.replaceAll('_', '')), at })
        return
      }
      text = match(integer)
      if (text !== undefined)
        tokens.push({ type: 'integer', value: BigInt(text.replaceAll('_', '').toLowerCase()), at })
      return
    }
    text = match(name)
    if (text !== undefined) {
      tokens.push({ type: 'name', value: text, at })
      return
    }
    if (code === 34 || code === 39) {
      this.#string(at, source[at]!)
      return
    }
    text = match(operator)
    if (text === undefined) throw new TemplateSyntaxError(`unexpected char ${JSON.stringify(source[at])}`, at)
    if (text in closing) open.push(closing[text]!)
    else if (text === '}' || text === ')' || text === ']') {
      const expected = open.pop()
      if (expected !== text)
        throw new TemplateSyntaxError(
          expected === undefined ? `unexpected '${text}'` : `unexpected '${text}', expected '${expected}'`,
          at,
        )
    }
    tokens.push({ type: 'operator', value: text, at })
  }

  #string(start: number, quote: string): void {
    let end = start + 1
    while (end < this.#source.length && this.#source[end] !== quote) end += this.#source[end] === '\\' ? 2 : 1
    if (end >= this.#source.length) throw new TemplateSyntaxError(`unexpected char ${JSON.stringify(quote)}`, start)
    this.#tokens.push({ type: 'string', value: unescaped(this.#source.slice(start + 1, end), start), at: start })
    this.#at = end + 1
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** A string's text as Python's `unicode-escape` reads it. */
function unescaped(text: string, at: number): string {
  if (!text.includes('\\')) return text
  return text.replace(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g,
    (whole, octal?: string, x?: string, u?: string, long?: string, other?: string) => {
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
      const hex = x ?? u ?? long
      if (hex !== undefined) {
        const code = Number.parseInt(hex, 16)
        if (code > 0x10ffff) throw new TemplateSyntaxError('illegal Unicode character', at)
        return u === undefined ? String.fromCodePoint(code) : String.fromCharCode(code)
      }
      if ('xuUN'.includes(other!)) throw new TemplateSyntaxError(`truncated or unknown escape \\${other}`, at)
      return simpleEscapes[other!] ?? whole
    },
  )
}
