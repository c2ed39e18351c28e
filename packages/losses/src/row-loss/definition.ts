import { OutriderError } from '@outrider/tensor'

/**
 * A loss at one position, in WGSL expressions. Of a token of the vocabulary they see
 * `p` and `q`, its probability under the draft and the target, `logP`, `logQ`, `isLabel` (1 for the label, else 0) and,
 * where the loss draws, `isDrawn` (1 for a token drawn from p); of the position every sum by its name, `alpha` = Σ min(p, q),
 * and every pooled sum as `mean_<name>`.
 */
export interface RowLossDefinition {
  /** Lower case; `+`, `-` and digits are fine. */
  name: string
  /** Sums over the vocabulary: name → an expression of a token. */
  sums?: Readonly<Record<string, string>>
  /**
   * Sums whose mean over the rows of a scope that count is needed, and the scope: a position alone, a sequence, the batch. The
   * means are constants in the gradient.
   */
  pooled?: { names: readonly string[]; scope: Scope }
  /** The loss, an expression of the position. */
  value: string
  /**
   * w(x), the weight on each token's score function: the gradient is E_{x∼p}[w(x) ∇log p(x)], which in the logits is
   * p(x) (w(x) − Σ p w). For a loss L(p) it is ∂L/∂p(x).
   */
  weight?: string
  /** p(x)·w(x), in place of `weight`, where that is the safer thing to compute (for KLD it is −q, while w = −q/p may overflow). */
  weightedMass?: string
  /** What is worth logging: name → an expression of the position. */
  statistics?: Readonly<Record<string, string>>
  /** Whether a token is drawn from p at every position. */
  draws?: boolean
  /** Whether the loss looks at the target's distribution. Default true. */
  needsTarget?: boolean
  /** Whether the loss looks at labels. Default false. */
  needsLabels?: boolean
}

/** The batch is all rows of an optimiser step: of one call, or of several that are given what all have pooled (`pooledSums`). */
export type Scope = 'position' | 'sequence' | 'batch'

const identifier = /^[a-z][A-Za-z0-9]*$/
const taken = new Set(['p', 'q', 'logP', 'logQ', 'isLabel', 'isDrawn', 'alpha', 'token', 'row'])
/** WGSL §15.1: no variable can be called by these. */
const keywords = new Set(
  'alias break case const continue continuing default diagnostic discard else enable false fn for if let loop override requires return struct switch true var while'.split(
    ' ',
  ),
)

/** Why a sum or a statistic cannot have a name, or null. */
export function nameProblem(name: string): string | null {
  const plain = identifier.test(name) && !taken.has(name) && !keywords.has(name)
  return plain ? null : `"${name}" cannot name a sum or a statistic; use a plain new name.`
}

/** Throws for names that cannot be WGSL variables, and for a gradient that is missing or given twice. */
export function checkDefinition({
  name,
  sums = {},
  statistics = {},
  pooled,
  weight,
  weightedMass,
}: RowLossDefinition): void {
  // WGSL knows more line breaks than JavaScript.
  if (name === '' || name !== name.trim() || /[\n\v\f\r\u0085\u2028\u2029]/.test(name))
    throw new OutriderError('INVALID_ARGUMENT', `Row loss ${JSON.stringify(name)}: a name is a line of text.`)
  const refuse = (what: string) => new OutriderError('INVALID_ARGUMENT', `Row loss ${name}: ${what}`)
  for (const sum of [...Object.keys(sums), ...Object.keys(statistics)]) {
    const problem = nameProblem(sum)
    if (problem) throw refuse(problem)
  }
  for (const sum of pooled?.names ?? [])
    if (!(sum in sums)) throw refuse(`"${sum}" is pooled but is not among the sums.`)
  if ((weight === undefined) === (weightedMass === undefined)) throw refuse('give either weight or weightedMass.')
}
