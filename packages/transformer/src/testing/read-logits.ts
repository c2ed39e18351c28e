import type { CausalLM, ForwardOptions } from '../model/index'

/** Logits by sequence and row. */
export type Logits = Float32Array[][]

/** Logits of a pass over tokens, by sequence, padded on the right with id `padding`; nothing is left on the device. */
export async function readLogits(
  model: CausalLM,
  sequences: readonly (readonly number[])[],
  options?: ForwardOptions,
  padding = 0,
): Promise<Logits> {
  const rows = Math.max(...sequences.map(({ length }) => length))
  const ids = sequences.flatMap((ids) => [...ids, ...new Array<number>(rows - ids.length).fill(padding)])
  const tokens = model.device.tensor(Uint32Array.from(ids), { shape: [sequences.length, rows] })
  try {
    const logits = model.forward(tokens, options)
    const { rows: which = 'all' } = options ?? {}
    const given = which === 'all' ? rows : which === 'last' ? 1 : which
    const wanted = [sequences.length, given, model.config.vocabularySize] as const
    const { shape, dtype } = logits
    const values = (await logits.data()) as Float32Array
    logits.dispose()
    if (dtype !== 'f32' || shape.join() !== wanted.join())
      throw new Error(`logits are ${dtype} [${shape}], expected f32 [${wanted}]`)
    const row = (at: number) => values.subarray(at * wanted[2], (at + 1) * wanted[2])
    return sequences.map((_, b) => Array.from({ length: wanted[1] }, (_, i) => row(b * wanted[1] + i)))
  } finally {
    tokens.dispose()
  }
}

/** Ids that a model has: the same for the same stream, others for another. */
export const someIds = ({ config }: CausalLM, count: number, stream = 0): number[] =>
  Array.from({ length: count }, (_, i) => (31 * i + 17 * stream + 5) % config.vocabularySize)
