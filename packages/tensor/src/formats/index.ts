import { bf16 } from './bf16'
import { f16 } from './f16'
import type { Format } from './format'
import { q4_0 } from './q4-0'
import { q4_1 } from './q4-1'
import { q4_k } from './q4-k'
import { q6_k } from './q6-k'
import { q8_0 } from './q8-0'

export { type Format, restBytes, wordBytes } from './format'

/** The formats of weights that kernels read as they are stored. */
export const formats = { f16, bf16, q8_0, q4_0, q4_1, q4_k, q6_k } satisfies Record<string, Format>

export type FormatName = keyof typeof formats
