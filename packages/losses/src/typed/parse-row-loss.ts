import { nameProblem, type RowLossDefinition, type Scope } from '../row-loss/definition'
import { expressionProblems, namesIn } from './expression'
import { fieldsOf, type TypedField } from './fields'
import { type TypedLossProblem, typedLossError } from './place'

/** A loss that was read from text. */
export interface TypedRowLoss {
  definition: RowLossDefinition
  /** Where the expressions stand in the text, by field: `value`, `sums.distance`. */
  places: ReadonlyMap<string, TypedField>
}

const ofToken = ['p', 'q', 'logP', 'logQ', 'isLabel', 'isDrawn']

/**
 * Reads a row loss that a person typed:
 *
 * ```
 * name = hellinger                          // may be left out
 * sum affinity = sqrt(p * q)                // over the vocabulary; as many as are needed
 * value = 1.0 - affinity
 * weightedMass = -0.5 * sqrt(p * q)         // or: weight = …
 * ```
 *
 * Fields and names are those of `RowLossDefinition`; `statistic NAME = …` is logged, and `pool NAME over batch` (or sequence,
 * or position) makes `mean_NAME` known. Whether the loss draws, and whether it needs labels or a target, follows from the
 * names it uses. An expression may go on in the next lines. No text can leave its expression.
 *
 * @throws OutriderError INVALID_ARGUMENT with `details` {field, line, column} of the first problem and `problems`, all of them
 */
export function parseRowLoss(text: string): TypedRowLoss {
  const { fields, problems } = fieldsOf(text)
  const places = new Map<string, TypedField>()
  for (const field of fields) {
    const key = keyOf(field)
    const problem = headProblem(field, places.has(key), places)
    if (problem) problems.push(problem)
    places.set(key, field)
  }
  const of = (kind: TypedField['kind']) => fields.filter((field) => field.kind === kind)
  const sums = of('sum')
  const pooled = of('pool').map((field) => ({ field, scope: scopeOf(field) }))
  for (const { field, scope } of pooled) {
    if (!sums.some(({ name }) => name === field.name))
      problems.push(atName(field, `There is no sum ${field.name} to pool.`))
    if (!scope || scope !== pooled[0]!.scope)
      problems.push(atHead(field, 'Write: pool NAME over batch (or sequence, or position), the same for all.'))
  }
  for (const field of fields) problems.push(...contentProblems(field, sums, pooled))
  problems.push(...missing(text, places))
  if (problems.length > 0)
    throw typedLossError(
      'INVALID_ARGUMENT',
      problems.sort((a, b) => a.line - b.line || a.column - b.column),
    )
  return { definition: definitionOf(fields, places, pooled[0]?.scope ?? undefined), places }
}

function definitionOf(fields: readonly TypedField[], places: ReadonlyMap<string, TypedField>, scope?: Scope) {
  const used = new Set(fields.flatMap((field) => (field.kind === 'name' ? [] : [...namesIn(field)])))
  const content = (key: string) => {
    const field = places.get(key)
    return field && expressionOf(field)
  }
  const named = (kind: TypedField['kind']) =>
    Object.fromEntries(fields.filter((field) => field.kind === kind).map((field) => [field.name!, expressionOf(field)]))
  const [sums, statistics] = [named('sum'), named('statistic')]
  const pooled = fields.filter(({ kind }) => kind === 'pool').map(({ name }) => name!)
  const weight = content('weight')
  const weightedMass = content('weightedMass')
  const definition: RowLossDefinition = {
    name: content('name') ?? 'typed',
    ...(Object.keys(sums).length > 0 && { sums }),
    ...(scope && { pooled: { names: pooled, scope } }),
    value: content('value')!,
    ...(weight !== undefined && { weight }),
    ...(weightedMass !== undefined && { weightedMass }),
    ...(Object.keys(statistics).length > 0 && { statistics }),
    ...(used.has('isDrawn') && { draws: true }),
    ...(!['q', 'logQ', 'alpha'].some((name) => used.has(name)) && { needsTarget: false }),
    ...(used.has('isLabel') && { needsLabels: true }),
  }
  return definition
}

/** The lines of an expression: the first from where it begins, the others as they stand. */
function expressionOf({ lines }: TypedField): string {
  return lines
    .map(({ text }, i) => (i === 0 ? text.trim() : text.trimEnd()))
    .join('\n')
    .trim()
}

const keyOf = ({ kind, name }: TypedField): string =>
  kind === 'sum'
    ? `sums.${name}`
    : kind === 'statistic'
      ? `statistics.${name}`
      : kind === 'pool'
        ? `pool.${name}`
        : kind

const atHead = (field: TypedField, message: string): TypedLossProblem => ({
  field: keyOf(field),
  line: field.line,
  column: field.column,
  length: field.contentColumn - field.column,
  message,
})
const atName = (field: TypedField, message: string): TypedLossProblem => ({
  ...atHead(field, message),
  column: field.nameColumn,
  length: field.name!.length,
})

function headProblem(
  field: TypedField,
  again: boolean,
  others: ReadonlyMap<string, TypedField>,
): TypedLossProblem | null {
  if (again) return atHead(field, 'This is there already.')
  if (field.kind === 'sum' || field.kind === 'statistic') {
    const problem = nameProblem(field.name!)
    return problem ? atName(field, problem) : null
  }
  const other = field.kind === 'weight' ? 'weightedMass' : 'weight'
  if (/^weight/.test(field.kind) && others.has(other))
    return atHead(field, 'A loss has either weight or weightedMass, which is p times it.')
  if (field.kind === 'name' && !/^[A-Za-z][\w+\-(). ]{0,59}$/.test(expressionOf(field)))
    return atHead(field, 'A name is a letter and up to 59 more letters, digits, spaces and + - _ ( ) .')
  return null
}

function contentProblems(
  field: TypedField,
  sums: readonly TypedField[],
  pooled: readonly { field: TypedField }[],
): TypedLossProblem[] {
  const { kind } = field
  if (kind === 'name' || kind === 'pool') return []
  const ofPosition = [...sums.map(({ name }) => name!), ...pooled.map(({ field: { name } }) => `mean_${name}`), 'alpha']
  const known =
    kind === 'sum' ? ofToken : kind === 'value' || kind === 'statistic' ? ofPosition : [...ofToken, ...ofPosition]
  const explain = (name: string) => {
    if (ofToken.includes(name))
      return `${name} is of one token, and ${kind} of a whole position: sum over the tokens first.`
    if (ofPosition.includes(name)) return `${name} is not known yet where sums are taken.`
    if (name.startsWith('mean_')) return `${name} is known after a line "pool ${name.slice(5)} over batch".`
    return `${name} is not known here; ${known.join(', ')} are, and WGSL's functions of numbers.`
  }
  return expressionProblems(field, new Set(known), explain).map((problem) => ({ ...problem, field: keyOf(field) }))
}

function scopeOf({ lines, contentColumn }: TypedField): Scope | null {
  const [, scope] = /^\s*over\s+(batch|sequence|position)\s*$/.exec(lines[0]!.text.slice(contentColumn - 1)) ?? []
  return (scope as Scope | undefined) ?? null
}

/** Fields that every loss has, reported at the text's end. */
function missing(text: string, places: ReadonlyMap<string, TypedField>): TypedLossProblem[] {
  const lines = text.split(/\r\n|\r|\n/)
  const end = { line: lines.length, column: lines.at(-1)!.length + 1, length: 0 }
  const problems: TypedLossProblem[] = []
  if (!places.has('value')) problems.push({ ...end, field: 'value', message: 'The value is missing: value = …' })
  if (!places.has('weight') && !places.has('weightedMass'))
    problems.push({
      ...end,
      field: 'weight',
      message: 'The gradient is missing: weight = ∂value/∂p of a token, or weightedMass = p times it.',
    })
  return problems
}
