import { OutriderError } from '@outrider/tensor'
import type { Verdict, VerificationInput, VerificationRule } from './rule'
import { verificationKernels, verifyWith } from './verify'

/**
 * A rule in WGSL expressions: which drafted tokens are kept, and what the token after them is drawn from. They see `p` and `q`,
 * a token's probability under draft and target, and `w`, the weight of the draft up to there.
 */
export interface VerificationDefinition {
  /** Lower case; digits and `-` are fine. */
  name: string
  /** Kept is the draft up to the first token that does not pass ('unbroken'), or up to the last that does ('longest'). */
  keeps: 'unbroken' | 'longest'
  /** wᵢ, of the wᵢ₋₁ before it (`w`; w₀ = 1) and of drafted token i (`p`, `q`). Default 1. */
  weight?: string
  /**
   * Whether drafted token i passes, a bool: of its uniform `u` in [0, 1), its `p` and `q`, its weight `w`, the `mass` Σ residual
   * at the position after it, and whether it is the `last`, after which mass is 0. What passes with u passes with a smaller one.
   */
  passes: string
  /**
   * What the token after those that are kept is drawn from, up to its norm and not below 0: of any token of the vocabulary
   * (`p`, `q`) and the weight `w` of those before it. After the whole draft it is drawn from q.
   */
  residual: string
  /** The same in float64, written apart from the expressions: `checkVerification` compares them and proves that it is exact. */
  reference(input: VerificationInput): Verdict
}

/**
 * Makes a verification rule of a few WGSL expressions. The kernels, the sums over the vocabulary, the draws and the search for
 * faults are this package's.
 *
 * ```ts
 * const tokens = defineVerification({
 *   name: 'tokens', keeps: 'unbroken', passes: 'u * p < q', residual: 'max(q - p, 0.0)', reference,
 * })
 * ```
 *
 * @throws OutriderError INVALID_ARGUMENT for a name that is not plain; a mistake in the WGSL is reported with the rule's name
 *   and the expression when its first result is read
 */
export function defineVerification(definition: VerificationDefinition): VerificationRule {
  const { name, keeps, weight = '1.0', passes, residual, reference } = definition
  if (!/^[a-z][a-z0-9-]*$/.test(name))
    throw new OutriderError('INVALID_ARGUMENT', `Verification rule ${JSON.stringify(name)}: the name is not plain.`, {
      remedy: 'Use lower case letters, digits and "-".',
    })
  /** Each line of an expression says whose it is, as the compiler's message shows it. */
  const result = (field: string, expression: string) =>
    `{ return (${expression.replaceAll('\n', ` // ${name}: ${field}\n`)} // ${name}: ${field}\n); }`
  const kernels = verificationKernels(
    name,
    `const KEEPS_LONGEST = ${keeps === 'longest'};
fn ruleWeight(w: f32, p: f32, q: f32) -> f32 ${result('weight', weight)}
fn rulePasses(u: f32, p: f32, q: f32, w: f32, mass: f32, last: bool) -> bool ${result('passes', passes)}
fn ruleResidual(p: f32, q: f32, w: f32) -> f32 ${result('residual', residual)}`,
  )
  return { name, reference, verify: (input) => verifyWith(kernels, input) }
}
