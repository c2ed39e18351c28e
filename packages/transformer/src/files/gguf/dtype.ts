import { type Format, formats } from '@outrider/tensor'

const sizes = ({ elements, bytes }: Format) => ({ elements, bytes })

/** Element types of the format that can be read: their number there, and elements and bytes of a block. */
export const ggufDtypes = {
  F32: { id: 0, elements: 1, bytes: 4 },
  F16: { id: 1, ...sizes(formats.f16) },
  Q4_0: { id: 2, ...sizes(formats.q4_0) },
  Q8_0: { id: 8, ...sizes(formats.q8_0) },
  Q4_K: { id: 12, ...sizes(formats.q4_k) },
  Q6_K: { id: 14, ...sizes(formats.q6_k) },
  BF16: { id: 30, ...sizes(formats.bf16) },
} as const

export type GgufDtype = keyof typeof ggufDtypes
