import type { RowLossDefinition, Scope } from './definition'

/** A definition's part of a loss: weighted sums of losses have several. */
export interface Part {
  definition: RowLossDefinition
  weight: number
}

/** Everything that the kernels of a loss are specialised by. */
export interface RowLossCode {
  /** WGSL declarations. */
  prelude: string
  /** Sums a row. */
  sums: number
  /** Statistics a row, by name, in order. */
  statistics: readonly string[]
  /** Whether any sum is pooled, and over what. */
  scope: Scope
  pooled: boolean
}

/**
 * WGSL for the parts of a loss: `addTerms` (a token's terms of all sums), `lossValue`, `lossMass` (p·w of a token) and
 * `lossStatistic`. Every expression stands on a line of its own, so that the compiler's message shows it.
 */
export function rowLossCode(parts: readonly Part[]): RowLossCode {
  const sumNames = parts.map(({ definition }) => Object.keys(definition.sums ?? {}))
  const first = sumNames.map((_, i) => sumNames.slice(0, i).reduce((count, names) => count + names.length, 0))
  const sums = sumNames.reduce((count, names) => count + names.length, 0)
  const scopes = new Set(parts.flatMap(({ definition }) => (definition.pooled ? [definition.pooled.scope] : [])))
  const statistics = parts.flatMap(({ definition }) => Object.keys(definition.statistics ?? {}))

  /** The row's sums and means under their names. */
  const rowVariables = (i: number) =>
    sumNames[i]!.flatMap((name, k) => [
      `let ${name} = row.sums[${first[i]! + k}];`,
      `let mean_${name} = row.means[${first[i]! + k}];`,
    ]).join(' ')
  const tokenVariables =
    'let p = token.p; let q = token.q; let logP = token.logP; let logQ = token.logQ; let isLabel = token.isLabel; let isDrawn = token.isDrawn;'
  const rowFunction = (name: string, i: number, expression: string, token = false) =>
    `fn ${name}(row: Row${token ? ', token: Token' : ''}) -> f32 { let alpha = row.alpha; ${rowVariables(i)} ${token ? tokenVariables : ''}
return ${expression};
}`

  const declarations = parts.flatMap(({ definition }, i) => [
    ...Object.entries(definition.sums ?? {}).map(
      ([, expression], k) => `fn term_${i}_${k}(token: Token) -> f32 { ${tokenVariables}\nreturn ${expression};\n}`,
    ),
    rowFunction(`value_${i}`, i, definition.value),
    rowFunction(`mass_${i}`, i, definition.weightedMass ?? `p * (${definition.weight})`, true),
    ...Object.values(definition.statistics ?? {}).map((expression, k) =>
      rowFunction(`statistic_${i}_${k}`, i, expression),
    ),
  ])
  const total = (name: string, call: string) =>
    `fn ${name} { return ${parts.map(({ weight }, i) => `${f32(weight)} * ${call.replace('#', String(i))}`).join(' + ')}; }`
  const terms = sumNames.flatMap((names, i) =>
    names.map((_, k) => `(*sums)[${first[i]! + k}] += term_${i}_${k}(token);`),
  )
  const calls = parts.flatMap(({ definition }, i) =>
    Object.keys(definition.statistics ?? {}).map((_, k) => `statistic_${i}_${k}(row)`),
  )
  const prelude = `struct Token { p: f32, q: f32, logP: f32, logQ: f32, isLabel: f32, isDrawn: f32 }
struct Row { alpha: f32, sums: array<f32, ${Math.max(1, sums)}>, means: array<f32, ${Math.max(1, sums)}> }
${declarations.join('\n')}
fn addTerms(token: Token, sums: ptr<function, array<f32, ${Math.max(1, sums)}>>) { ${terms.join(' ')} }
${total('lossValue(row: Row) -> f32', 'value_#(row)')}
${total('lossMass(row: Row, token: Token) -> f32', 'mass_#(row, token)')}
fn lossStatistic(row: Row, index: u32) -> f32 { switch (index) { ${calls.map((call, i) => `case ${i}u: { return ${call}; }`).join(' ')} default: { return 0.0; } } }`
  return { prelude, sums, statistics, scope: [...scopes][0] ?? 'position', pooled: scopes.size > 0 }
}

const f32 = (value: number) => `f32(${value})`
