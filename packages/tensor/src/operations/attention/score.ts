import type { KernelPart } from '../../kernel/index'
import { keepingNaN, nan } from '../pointwise/nan'

/** What makes a score of a query and a key, beside its numbers. */
export interface ScoreForm {
  /** Scores are kept below a cap. */
  readonly capped: boolean
  /** Which keys a row sees is given, not causal. */
  readonly given: boolean
}

/** What the text of a score takes from elsewhere. */
export const scoreUses = ({ capped }: Pick<ScoreForm, 'capped'>): readonly KernelPart[] => (capped ? [nan] : [])

/** The parameters that a score takes. */
export const scoreFields = ({ capped }: Pick<ScoreForm, 'capped'>): readonly string[] => [
  'scale: f32',
  ...(capped ? ['softCap: f32'] : []),
]

/**
 * WGSL of scores, the one place that says what they are: of four products q·k
 *
 * - `scoreOf(products) -> vec4f`: scale · q·k; with a cap, softCap · tanh(scale · q·k / softCap)
 * - `slopeOf(products) -> vec4f`: ∂ score / ∂ q·k
 */
export const scoreSource = ({ capped }: Pick<ScoreForm, 'capped'>): string => (capped ? cappedScore() : plainScore)

const plainScore = `fn scoreOf(products: vec4f) -> vec4f { return products * params.scale; }
fn slopeOf(products: vec4f) -> vec4f { return vec4f(params.scale); }`

// By e^(−2|x|), which neither overflows nor cancels, as 1 − tanh² does near the cap; and by the series where 1 − e^(−2|x|) would.
const cappedScore = () => `fn scoreOf(products: vec4f) -> vec4f {
  let x = products * params.scale / params.softCap;
  let e = exp(-2.0 * abs(x));
  let far = (1.0 - e) / (1.0 + e);
  let square = x * x;
  let near = x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0))));
  let tanh_x = select(select(-far, far, x > vec4f(0.0)), near, abs(x) < vec4f(0.2));
  return ${keepingNaN('params.softCap * tanh_x', 'products')};
}
fn slopeOf(products: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(products * params.scale / params.softCap));
  return ${keepingNaN('params.scale * 4.0 * e / ((1.0 + e) * (1.0 + e))', 'products')};
}`
