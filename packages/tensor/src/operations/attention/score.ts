import type { KernelPart } from '../../kernel/index'
import { softCap } from '../pointwise/soft-cap'

/** What makes a score of a query and a key, beside its numbers. */
export interface ScoreForm {
  /** Scores are kept below a cap. */
  readonly capped: boolean
  /** Which keys a row sees is given, not causal. */
  readonly given: boolean
}

/** What the text of a score takes from elsewhere. */
export const scoreUses = ({ capped }: Pick<ScoreForm, 'capped'>): readonly KernelPart[] => (capped ? [softCap] : [])

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
export const scoreSource = ({ capped }: Pick<ScoreForm, 'capped'>): string => (capped ? cappedScore : plainScore)

const plainScore = `fn scoreOf(products: vec4f) -> vec4f { return products * params.scale; }
fn slopeOf(products: vec4f) -> vec4f { return vec4f(params.scale); }`

const cappedScore = `fn scoreOf(products: vec4f) -> vec4f { return capped(products, params.scale, params.softCap); }
fn slopeOf(products: vec4f) -> vec4f { return cappedSlope(products, params.scale, params.softCap); }`
