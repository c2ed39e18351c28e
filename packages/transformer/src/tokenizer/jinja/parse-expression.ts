import { TemplateSyntaxError } from './failure'
import type { BinaryOperator, CallArguments, CompareOperator, Expression, Target } from './nodes'
import type { TokenStream } from './token-stream'

/** The expressions of jinja2/parser.py of 3.1.6, with its order of operators. */
export function parseExpression(stream: TokenStream, withCondition = true): Expression {
  return stream.nested(() => (withCondition ? parseCondition(stream) : parseOr(stream)))
}

/** One expression, or several with commas, which are a tuple. */
export function parseTuple(
  stream: TokenStream,
  { withCondition = true, isEnd = () => false }: { withCondition?: boolean; isEnd?: () => boolean } = {},
): Expression {
  const { items, isTuple, at } = parseItems(stream, () => parseExpression(stream, withCondition), isEnd)
  if (isTuple) return { type: 'Tuple', items, at }
  if (items[0]) return items[0]
  throw stream.wrong('expected an expression')
}

/** What can be assigned to: names, tuples of them, and with `withNamespace` attributes of namespaces. */
export function parseTarget(
  stream: TokenStream,
  { withNamespace = false, isEnd = () => false }: { withNamespace?: boolean; isEnd?: () => boolean } = {},
): Target {
  const one = (): Target =>
    stream.nested(() => {
      const { at } = stream.current
      if (stream.skipIf('operator', '(')) {
        const target = many(() => stream.is('operator', ')'))
        stream.expect('operator', ')')
        return target
      }
      const name = stream.expectName()
      if (/^([tT]rue|[fF]alse|[nN]one)$/.test(name)) throw new TemplateSyntaxError(`can't assign to '${name}'`, at)
      if (!withNamespace || !stream.skipIf('operator', '.')) return { type: 'Name', name, at }
      return { type: 'NSRef', name, attribute: stream.expectName(), at }
    })
  const many = (end: () => boolean): Target => {
    const { items, isTuple, at } = parseItems(stream, one, end)
    if (isTuple) return { type: 'Tuple', items, at }
    if (items[0]) return items[0]
    throw stream.wrong('expected a name')
  }
  return many(isEnd)
}

function parseItems<T>(stream: TokenStream, parse: () => T, isEnd: () => boolean) {
  const { at } = stream.current
  const items: T[] = []
  let isTuple = false
  for (;;) {
    if (items.length > 0) stream.expect('operator', ',')
    if (stream.is('variable_end') || stream.is('block_end') || stream.is('operator', ')') || isEnd()) break
    items.push(parse())
    if (!stream.is('operator', ',')) break
    isTuple = true
  }
  return { items, isTuple, at }
}

function parseCondition(stream: TokenStream): Expression {
  const { at } = stream.current
  let node = parseOr(stream)
  while (stream.skipIf('name', 'if')) {
    const test = parseOr(stream)
    const otherwise = stream.skipIf('name', 'else') ? parseExpression(stream) : undefined
    node = { type: 'CondExpr', test, value: node, ...(otherwise && { otherwise }), at }
  }
  return node
}

function parseOr(stream: TokenStream): Expression {
  const { at } = stream.current
  let left = parseAnd(stream)
  while (stream.skipIf('name', 'or')) left = { type: 'Or', left, right: parseAnd(stream), at }
  return left
}

function parseAnd(stream: TokenStream): Expression {
  const { at } = stream.current
  let left = parseNot(stream)
  while (stream.skipIf('name', 'and')) left = { type: 'And', left, right: parseNot(stream), at }
  return left
}

function parseNot(stream: TokenStream): Expression {
  const { at } = stream.current
  if (stream.skipIf('name', 'not')) return { type: 'Not', of: stream.nested(() => parseNot(stream)), at }
  return parseCompare(stream)
}

const compareOperators: readonly string[] = ['==', '!=', '<', '<=', '>', '>=']

function compareOperator(stream: TokenStream): CompareOperator | undefined {
  const { type, value } = stream.current
  if (type === 'operator' && compareOperators.includes(value)) return stream.next().value as CompareOperator
  if (stream.skipIf('name', 'in')) return 'in'
  if (!stream.isWord('not') || stream.ahead.type !== 'name' || stream.ahead.value !== 'in') return undefined
  stream.next()
  stream.next()
  return 'not in'
}

function parseCompare(stream: TokenStream): Expression {
  const { at } = stream.current
  const first = parseSum(stream)
  const rest: { operator: CompareOperator; value: Expression }[] = []
  for (let operator = compareOperator(stream); operator; operator = compareOperator(stream))
    rest.push({ operator, value: parseSum(stream) })
  return rest.length > 0 ? { type: 'Compare', first, rest, at } : first
}

/** Operators of one rank, from the left. */
const leftToRight =
  (operators: readonly string[], parseOperand: (stream: TokenStream) => Expression) =>
  (stream: TokenStream): Expression => {
    const { at } = stream.current
    let left = parseOperand(stream)
    while (stream.current.type === 'operator' && operators.includes(stream.current.value)) {
      const operator = stream.next().value as BinaryOperator
      left = { type: 'Binary', operator, left, right: parseOperand(stream), at }
    }
    return left
  }

const parsePower = leftToRight(['**'], (stream) => parseUnary(stream))
const parseProduct = leftToRight(['*', '/', '//', '%'], parsePower)
const parseSum = leftToRight(['+', '-'], parseConcat)

/** `~` binds tighter than a sum and looser than a product. */
function parseConcat(stream: TokenStream): Expression {
  const { at } = stream.current
  const items = [parseProduct(stream)]
  while (stream.skipIf('operator', '~')) items.push(parseProduct(stream))
  return items.length > 1 ? { type: 'Concat', items, at } : items[0]!
}

function parseUnary(stream: TokenStream, withFilter = true): Expression {
  const { at } = stream.current
  const signed = (type: 'Neg' | 'Pos'): Expression => ({
    type,
    of: stream.nested(() => parseUnary(stream, false)),
    at,
  })
  let node: Expression
  if (stream.skipIf('operator', '-')) node = signed('Neg')
  else if (stream.skipIf('operator', '+')) node = signed('Pos')
  else node = parsePrimary(stream)
  node = parsePostfix(stream, node)
  return withFilter ? parseFilters(stream, node) : node
}

const constants: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
}

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.current
  const { at } = token
  if (token.type === 'name') {
    stream.next()
    return Object.hasOwn(constants, token.value)
      ? { type: 'Const', value: constants[token.value]!, at }
      : { type: 'Name', name: token.value, at }
  }
  if (token.type === 'string') {
    let value = ''
    while (stream.is('string')) value += stream.next().value as string
    return { type: 'Const', value, at }
  }
  if (token.type === 'integer' || token.type === 'float') {
    stream.next()
    return { type: 'Const', value: token.value, at }
  }
  if (stream.skipIf('operator', '(')) {
    const { items, isTuple } = parseItems(
      stream,
      () => parseExpression(stream),
      () => false,
    )
    stream.expect('operator', ')')
    return isTuple || items.length === 0 ? { type: 'Tuple', items, at } : items[0]!
  }
  if (stream.skipIf('operator', '['))
    return { type: 'List', items: parseListed(stream, ']', () => parseExpression(stream)), at }
  if (stream.skipIf('operator', '{')) {
    const items = parseListed(stream, '}', () => {
      const key = parseExpression(stream)
      stream.expect('operator', ':')
      return [key, parseExpression(stream)] as const
    })
    return { type: 'Dict', items, at }
  }
  throw stream.wrong('expected an expression')
}

/** Up to a closing bracket, which is read too; a comma may stand before it. */
function parseListed<T>(stream: TokenStream, close: string, parse: () => T): T[] {
  const items: T[] = []
  while (!stream.is('operator', close)) {
    if (items.length > 0) stream.expect('operator', ',')
    if (stream.is('operator', close)) break
    items.push(parse())
  }
  stream.expect('operator', close)
  return items
}

function parsePostfix(stream: TokenStream, node: Expression): Expression {
  for (;;) {
    if (stream.is('operator', '.') || stream.is('operator', '[')) node = parseSubscript(stream, node)
    else if (stream.is('operator', '(')) node = parseCall(stream, node)
    else return node
  }
}

function parseFilters(stream: TokenStream, node: Expression): Expression {
  for (;;) {
    if (stream.skipIf('operator', '|')) node = parseFilter(stream, node)
    else if (stream.isWord('is')) node = parseTest(stream, node)
    else if (stream.is('operator', '(')) node = parseCall(stream, node)
    else return node
  }
}

function parseSubscript(stream: TokenStream, of: Expression): Expression {
  const { at } = stream.current
  if (stream.skipIf('operator', '.')) {
    const attribute = stream.next()
    if (attribute.type === 'name') return { type: 'Getattr', of, name: attribute.value, at }
    if (attribute.type !== 'integer') throw new TemplateSyntaxError('expected name or number', attribute.at)
    return { type: 'Getitem', of, index: { type: 'Const', value: attribute.value, at }, at }
  }
  stream.expect('operator', '[')
  const items: Expression[] = []
  while (!stream.is('operator', ']')) {
    if (items.length > 0) stream.expect('operator', ',')
    items.push(parseSubscribed(stream))
  }
  stream.expect('operator', ']')
  return { type: 'Getitem', of, index: items.length === 1 ? items[0]! : { type: 'Tuple', items, at }, at }
}

function parseSubscribed(stream: TokenStream): Expression {
  const { at } = stream.current
  const isOver = () => stream.is('operator', ']') || stream.is('operator', ',')
  const part = () => (stream.is('operator', ':') || isOver() ? undefined : parseExpression(stream))
  const first = part()
  if (!stream.skipIf('operator', ':')) {
    if (first) return first
    throw stream.wrong('expected an expression')
  }
  const stop = part()
  const step = stream.skipIf('operator', ':') ? part() : undefined
  return { type: 'Slice', parts: [first, stop, step], at }
}

const parseCall = (stream: TokenStream, callee: Expression): Expression & { type: 'Call' } => ({
  type: 'Call',
  callee,
  at: stream.current.at,
  ...parseCallArguments(stream),
})

function parseCallArguments(stream: TokenStream): CallArguments {
  const { at } = stream.expect('operator', '(')
  const args: Expression[] = []
  const kwargs: { name: string; value: Expression }[] = []
  let dynArgs: Expression | undefined
  let dynKwargs: Expression | undefined
  const ensure = (isRight: boolean) => {
    if (!isRight) throw new TemplateSyntaxError('invalid syntax for function call expression', at)
  }
  for (let isFirst = true; !stream.is('operator', ')'); isFirst = false) {
    if (!isFirst) stream.expect('operator', ',')
    if (stream.is('operator', ')')) break
    if (stream.skipIf('operator', '*')) {
      ensure(!dynArgs && !dynKwargs)
      dynArgs = parseExpression(stream)
    } else if (stream.skipIf('operator', '**')) {
      ensure(!dynKwargs)
      dynKwargs = parseExpression(stream)
    } else if (stream.is('name') && stream.ahead.type === 'operator' && stream.ahead.value === '=') {
      ensure(!dynKwargs)
      const name = stream.expectName()
      stream.next()
      kwargs.push({ name, value: parseExpression(stream) })
    } else {
      ensure(!dynArgs && !dynKwargs && kwargs.length === 0)
      args.push(parseExpression(stream))
    }
  }
  stream.expect('operator', ')')
  return { args, kwargs, ...(dynArgs && { dynArgs }), ...(dynKwargs && { dynKwargs }) }
}

const noArguments: CallArguments = { args: [], kwargs: [] }

function dottedName(stream: TokenStream): string {
  let name = stream.expectName()
  while (stream.skipIf('operator', '.')) name += `.${stream.expectName()}`
  return name
}

/** The filter's name and arguments; the bar is read already. */
export function parseFilter(stream: TokenStream, of?: Expression): Expression {
  const { at } = stream.current
  const name = dottedName(stream)
  const call = stream.is('operator', '(') ? parseCallArguments(stream) : noArguments
  return { type: 'Filter', ...(of && { of }), name, at, ...call }
}

function parseTest(stream: TokenStream, of: Expression): Expression {
  const { at } = stream.next()
  const isNegated = stream.skipIf('name', 'not')
  const name = dottedName(stream)
  let call = noArguments
  if (stream.is('operator', '(')) call = parseCallArguments(stream)
  else if (beginsArgument(stream)) {
    if (stream.isWord('is')) throw new TemplateSyntaxError('You cannot chain multiple tests with is', stream.current.at)
    call = { args: [parsePostfix(stream, parsePrimary(stream))], kwargs: [] }
  }
  const node: Expression = { type: 'Test', of, name, at, ...call }
  return isNegated ? { type: 'Not', of: node, at } : node
}

const beginsArgument = (stream: TokenStream): boolean =>
  (stream.is('name') && !stream.isWord('else', 'or', 'and')) ||
  ['string', 'integer', 'float'].includes(stream.current.type) ||
  stream.is('operator', '[') ||
  stream.is('operator', '{')
