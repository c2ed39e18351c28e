/**
 * Bytes that are asked of a system at once: it reads and writes at most 2 GiB less a page in one call, Node's `readFile`
 * refuses more, and browsers have limits of their own.
 */
export const systemBytes = 2 ** 30

/** Fills bytes from `position` on, a piece at a time; fewer where the file ends before. */
export async function readPieces(
  bytes: Uint8Array,
  read: (piece: Uint8Array, position: number) => Promise<number>,
  { position = 0, pieceBytes = systemBytes }: { position?: number; pieceBytes?: number | undefined } = {},
): Promise<Uint8Array> {
  let filled = 0
  while (filled < bytes.length) {
    const count = await read(bytes.subarray(filled, filled + pieceBytes), position + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

/** Writes all of the bytes, a piece at a time; `write` may take fewer than it is given. */
export async function writePieces(
  bytes: Uint8Array,
  write: (piece: Uint8Array) => Promise<number>,
  pieceBytes: number = systemBytes,
): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += await write(bytes.subarray(written, written + pieceBytes))
}

/** The bytes of a blob; a browser makes no buffer of more than about 2 GiB of one. */
export async function blobBytes(blob: Blob, pieceBytes: number = systemBytes): Promise<Uint8Array> {
  if (blob.size <= pieceBytes) return new Uint8Array(await blob.arrayBuffer())
  return readPieces(
    new Uint8Array(blob.size),
    async (piece, position) => {
      const bytes = new Uint8Array(await blob.slice(position, position + piece.length).arrayBuffer())
      piece.set(bytes)
      return bytes.length
    },
    { pieceBytes },
  )
}
