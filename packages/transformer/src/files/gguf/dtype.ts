import { type FormatName, formats } from '@outrider/tensor/internal'

/** Element types of the format that can be read, by the names that ggml has for them. */
export type GgufDtype = 'F32' | Uppercase<FormatName>

/** Their number there, and elements and bytes of a block. */
export const ggufDtypes = {
  F32: { id: 0, elements: 1, bytes: 4 },
  ...Object.fromEntries(
    Object.entries(formats).map(([name, { gguf, elements, bytes }]) => [
      name.toUpperCase(),
      { id: gguf, elements, bytes },
    ]),
  ),
} as Readonly<Record<GgufDtype, { id: number; elements: number; bytes: number }>>

/** Names of other types, by their number: those of ggml (ggml.h of llama.cpp v0.5.0), and those that it had. */
const otherTypes: Readonly<Record<number, string>> = {
  4: 'Q4_2',
  5: 'Q4_3',
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
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
  40: 'NVFP4',
  41: 'Q1_0',
  42: 'Q2_0',
}

/** The type of that number, where it is read; its name, or what is known of it, for errors. */
export function ggufDtype(id: number): { dtype?: GgufDtype; name: string } {
  const dtype = (Object.keys(ggufDtypes) as GgufDtype[]).find((known) => ggufDtypes[known].id === id)
  return dtype ? { dtype, name: dtype } : { name: otherTypes[id] ?? `number ${id}` }
}
