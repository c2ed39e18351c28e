/**
 * Keys or values in q8_0 as a cache has them, in float64 as it is written: of 32 elements d = max |x| / 127 and q = x / d to
 * nearest, four a word, and d behind them.
 */
export function inBlocks(x: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer((x.length / 32) * 36))
  for (let block = 0; block < x.length / 32; block++) {
    const elements = Array.from({ length: 32 }, (_, i) => x[32 * block + i]!)
    const d = Math.max(...elements.map(Math.abs)) / 127
    for (const [i, element] of elements.entries()) view.setInt8(36 * block + i, d === 0 ? 0 : Math.round(element / d))
    view.setFloat32(36 * block + 32, d, true)
  }
  return new Uint32Array(view.buffer)
}

/** The numbers that such words stand for. */
export function outOfBlocks(words: Uint32Array): Float32Array<ArrayBuffer> {
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength)
  return Float32Array.from({ length: (words.length / 9) * 32 }, (_, i) => {
    const block = 36 * Math.floor(i / 32)
    return view.getInt8(block + (i % 32)) * view.getFloat32(block + 32, true)
  })
}
