/** Deterministic values, as all contenders get them. */
export function values(size: number, scale?: number, seed?: number): Float32Array

export interface Matrix {
  shape: [number, number]
  data: Float32Array
}

/** The Llama that every contender trains. */
export const parity: { d: number; layers: number; heads: number; seq: number; batch: number; vocab: number; ff: number }
export function parityTokens(): { inputs: Int32Array; labels: Int32Array }
export function parityWeights(): {
  emb: Matrix
  head: Matrix
  layers: Record<'wq' | 'wk' | 'wv' | 'wo' | 'w1' | 'w3' | 'w2', Matrix>[]
}
