import { formOf, type KernelPart, type PartForm } from '@outrider/tensor'
import { rowVectors } from '@outrider/tensor/internal'
import type { RowLossDefinition, Scope } from './definition'

/** A definition and its weight in a loss: weighted sums of losses have several. */
export interface Term {
  definition: RowLossDefinition
  weight: number
}

/** Everything that the kernels of a loss are specialised by. */
export interface RowLossCode {
  /** Its form of `lossCode`, for kernels that read so many tokens at once. */
  forms: Readonly<Record<1 | 4, PartForm>>
  /** Sums a row. */
  sums: number
  /** Statistics a row, by name, in order. */
  statistics: readonly string[]
  /** Whether any sum is pooled, and over what. */
  scope: Scope
  pooled: boolean
}

/** What a loss is to its kernels. */
export const lossCode: KernelPart = {
  name: 'lossCode',
  provides: ['Token', 'Tokens', 'Row', 'addToken', 'addTokens', 'lossValue', 'lossMass', 'lossMasses', 'lossStatistic'],
  uses: [rowVectors],
}

/**
 * WGSL for the terms of a loss: `addToken` (to all sums), `lossValue`, `lossMass` (p·w of a token) and
 * `lossStatistic`; and of several tokens at once, in the elements of V, `addTokens` and `lossMasses`. Every line of an expression is a line of its own and says whose it is, as the compiler's message shows it.
 */
export function rowLossCode(terms: readonly Term[]): RowLossCode {
  const sumNames = terms.map(({ definition }) => Object.keys(definition.sums ?? {}))
  const first = sumNames.map((_, i) => sumNames.slice(0, i).reduce((count, names) => count + names.length, 0))
  const sums = sumNames.reduce((count, names) => count + names.length, 0)
  const scopes = new Set(terms.flatMap(({ definition }) => (definition.pooled ? [definition.pooled.scope] : [])))
  const statistics = statisticNames(terms)

  /** The row's sums and means under their names. */
  const rowVariables = (i: number) =>
    sumNames[i]!.flatMap((name, k) => [
      `let ${name} = row.sums[${first[i]! + k}];`,
      `let mean_${name} = row.means[${first[i]! + k}];`,
    ]).join(' ')
  const tokenVariables =
    'let p = token.p; let q = token.q; let logP = token.logP; let logQ = token.logQ; let isLabel = token.isLabel; let isDrawn = token.isDrawn;'
  const rowFunction = (name: string, i: number, body: string, token = false) =>
    `fn ${name}(row: Row${token ? ', token: Token' : ''}) -> f32 { let alpha = row.alpha; ${rowVariables(i)} ${token ? tokenVariables : ''}
${body}
}`

  const declarations = terms.flatMap(({ definition }, i) => [
    ...Object.entries(definition.sums ?? {}).map(
      ([sum, expression], k) =>
        `fn summand_${i}_${k}(token: Token) -> f32 { ${tokenVariables}\n${result(definition, `sums.${sum}`, expression)}\n}`,
    ),
    rowFunction(`value_${i}`, i, result(definition, 'value', definition.value)),
    rowFunction(`mass_${i}`, i, mass(definition), true),
    ...Object.entries(definition.statistics ?? {}).map(([statistic, expression], k) =>
      rowFunction(`statistic_${i}_${k}`, i, result(definition, `statistics.${statistic}`, expression)),
    ),
  ])
  const total = (name: string, call: string) =>
    `fn ${name} { return ${terms.map(({ weight }, i) => `${f32(weight)} * ${call.replace('#', String(i))}`).join(' + ')}; }`
  const summands = sumNames.flatMap((names, i) =>
    names.map((_, k) => `(*sums)[${first[i]! + k}] += summand_${i}_${k}(token);`),
  )
  const calls = terms.flatMap(({ definition }, i) =>
    Object.keys(definition.statistics ?? {}).map((_, k) => `statistic_${i}_${k}(row)`),
  )
  const ofTokens = `struct Token { p: f32, q: f32, logP: f32, logQ: f32, isLabel: f32, isDrawn: f32 }
struct Row { alpha: f32, sums: array<f32, ${Math.max(1, sums)}>, means: array<f32, ${Math.max(1, sums)}> }
${declarations.join('\n')}
fn addToken(token: Token, sums: ptr<function, array<f32, ${Math.max(1, sums)}>>) { ${summands.join(' ')} }
${total('lossValue(row: Row) -> f32', 'value_#(row)')}
${total('lossMass(row: Row, token: Token) -> f32', 'mass_#(row, token)')}
fn lossStatistic(row: Row, index: u32) -> f32 { switch (index) { ${calls.map((call, i) => `case ${i}u: { return ${call}; }`).join(' ')} default: { return 0.0; } } }`
  const form = (vectorSize: 1 | 4) => formOf(lossCode, `${ofTokens}\n${tokensAtOnce(vectorSize, sums)}`)
  return {
    forms: { 1: form(1), 4: form(4) },
    sums,
    statistics,
    scope: [...scopes][0] ?? 'position',
    pooled: scopes.size > 0,
  }
}

/** The tokens of a vector, one after another: written out, as elements of vectors that are indexed lie in memory. */
function tokensAtOnce(vectorSize: 1 | 4, sums: number): string {
  const elements = vectorSize === 1 ? [''] : ['.x', '.y', '.z', '.w']
  const token = (e: string) =>
    `Token(${['p', 'q', 'logP', 'logQ', 'isLabel', 'isDrawn'].map((name) => `t.${name}${e}`).join(', ')})`
  return `struct Tokens { p: V, q: V, logP: V, logQ: V, isLabel: V, isDrawn: V }
fn addTokens(t: Tokens, sums: ptr<function, array<f32, ${Math.max(1, sums)}>>) { ${elements.map((e) => `addToken(${token(e)}, sums);`).join(' ')} }
fn lossMasses(row: Row, t: Tokens) -> V { return V(${elements.map((e) => `lossMass(row, ${token(e)})`).join(', ')}); }`
}

const f32 = (value: number) => `f32(${value})`

function mass(definition: RowLossDefinition): string {
  const { weight, weightedMass } = definition
  return weight === undefined
    ? result(definition, 'weightedMass', weightedMass!)
    : result(definition, 'weight', weight, 'p * ')
}

/** Returns an author's expression, each line of it with a comment that says where it comes from. */
function result({ name }: RowLossDefinition, field: string, expression: string, factor = ''): string {
  const lines = expression.split('\n')
  const labelled = lines.map((line, k) => `${line} // ${name}: ${field}${lines.length > 1 ? `, line ${k + 1}` : ''}`)
  return `return ${factor}(${labelled.join('\n')}\n);`
}

/** The statistics of all terms; where two have the same name, it is preceded by the loss's. */
function statisticNames(terms: readonly Term[]): string[] {
  const names = terms.flatMap(({ definition }) => Object.keys(definition.statistics ?? {}))
  const shared = (name: string) => names.indexOf(name) !== names.lastIndexOf(name)
  return terms.flatMap(({ definition }) =>
    Object.keys(definition.statistics ?? {}).map((name) => (shared(name) ? `${definition.name}.${name}` : name)),
  )
}
