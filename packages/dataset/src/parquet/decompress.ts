import type { Compressors } from 'hyparquet'

/**
 * What decompresses pages, by codec: those of `hyparquet-compressors`, except where those would take more than a page may be
 * (Zstandard) or need WebAssembly (Snappy, which `hyparquet` has of its own).
 */
export async function loadDecompressors(): Promise<Compressors> {
  const [{ compressors }, { Decompress }, { snappyUncompress }] = await Promise.all([
    import('hyparquet-compressors'),
    import('fzstd'),
    import('hyparquet'),
  ])
  const codecs: Compressors = {
    SNAPPY(input, length) {
      const output = new Uint8Array(length)
      snappyUncompress(input, output)
      return output
    },
    GZIP: compressors.GZIP!,
    BROTLI: compressors.BROTLI!,
    LZ4: compressors.LZ4!,
    LZ4_RAW: compressors.LZ4_RAW!,
    ZSTD(input, length) {
      const output = new Uint8Array(length)
      let at = 0
      const stream = new Decompress((piece) => {
        output.set(piece, at) // a RangeError where there is more than there may be
        at += piece.length
      })
      stream.push(input, true)
      return output.subarray(0, at)
    },
  }
  // Nothing, compressed, is not nothing, and not every codec here knows it: a page without values.
  return Object.fromEntries(
    Object.entries(codecs).map(([name, decompress]) => [
      name,
      (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array(0) : decompress(input, length)),
    ]),
  )
}
