import { bf16 } from './bf16'
import { f16 } from './f16'
import type { Format } from './format'
import { iq4_nl } from './iq4-nl'
import { iq4_xs } from './iq4-xs'
import { mxfp4 } from './mxfp4'
import { q2_k } from './q2-k'
import { q3_k } from './q3-k'
import { q4_0 } from './q4-0'
import { q4_1 } from './q4-1'
import { q4_k } from './q4-k'
import { q5_0 } from './q5-0'
import { q5_1 } from './q5-1'
import { q5_k } from './q5-k'
import { q6_k } from './q6-k'
import { q8_0 } from './q8-0'

export { type Format, restBytes, wordBytes } from './format'

/** The formats of weights that kernels read as they are stored. */
export const formats = {
  f16,
  bf16,
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
} satisfies Record<string, Format>

export type FormatName = keyof typeof formats
