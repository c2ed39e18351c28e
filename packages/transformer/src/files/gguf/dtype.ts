import { type Format, formats } from '@outrider/tensor/internal'

const sizes = ({ elements, bytes }: Format) => ({ elements, bytes })

/** Element types of the format that can be read: their number there, and elements and bytes of a block. */
export const ggufDtypes = {
  F32: { id: 0, elements: 1, bytes: 4 },
  F16: { id: 1, ...sizes(formats.f16) },
  Q4_0: { id: 2, ...sizes(formats.q4_0) },
  Q4_1: { id: 3, ...sizes(formats.q4_1) },
  Q5_0: { id: 6, ...sizes(formats.q5_0) },
  Q8_0: { id: 8, ...sizes(formats.q8_0) },
  Q4_K: { id: 12, ...sizes(formats.q4_k) },
  Q6_K: { id: 14, ...sizes(formats.q6_k) },
  BF16: { id: 30, ...sizes(formats.bf16) },
} as const

export type GgufDtype = keyof typeof ggufDtypes

/** Names of the types that are not read, by their number: those of ggml (ggml.h of llama.cpp v0.5.0), and those that it had. */
const otherTypes: Readonly<Record<number, string>> = {
  4: 'Q4_2',
  5: 'Q4_3',
  7: 'Q5_1',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  13: 'Q5_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  31: 'Q4_0_4_4',
  32: 'Q4_0_4_8',
  33: 'Q4_0_8_8',
  34: 'TQ1_0',
  35: 'TQ2_0',
  36: 'IQ4_NL_4_4',
  37: 'IQ4_NL_4_8',
  38: 'IQ4_NL_8_8',
  39: 'MXFP4',
  40: 'NVFP4',
  41: 'Q1_0',
  42: 'Q2_0',
}

/** The type of that number, where it is read; its name, or what is known of it, for errors. */
export function ggufDtype(id: number): { dtype?: GgufDtype; name: string } {
  const dtype = (Object.keys(ggufDtypes) as GgufDtype[]).find((known) => ggufDtypes[known].id === id)
  return dtype ? { dtype, name: dtype } : { name: otherTypes[id] ?? `number ${id}` }
}
