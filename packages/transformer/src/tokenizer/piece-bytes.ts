import { byteOfChar } from './byte-alphabet'

/** The bytes that a piece stands for where pieces stand for bytes, or undefined where a piece is text of its own. */
export type PieceBytes = (piece: string) => readonly number[] | undefined

/** How pieces stand for bytes in a tokenizer, by its decoder: byte-level BPE (GPT-2), byte fallback (Llama 2), or not at all. */
export function pieceBytesOf(tokenizerJson: Record<string, unknown>): PieceBytes {
  const types = decoderTypes(tokenizerJson.decoder)
  if (types.has('ByteLevel')) return bytesOfPiece
  if (!types.has('ByteFallback')) return () => undefined
  return (piece) => {
    const byte = byteOfFallback(piece)
    return byte === undefined ? undefined : [byte]
  }
}

function decoderTypes(decoder: unknown, found = new Set<string>()): Set<string> {
  if (typeof decoder !== 'object' || decoder === null) return found
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown }
  if (typeof type === 'string') found.add(type)
  if (Array.isArray(decoders)) for (const part of decoders) decoderTypes(part, found)
  return found
}

/** A piece `<0xE2>` is that byte; every other piece is text. */
export function byteOfFallback(piece: string): number | undefined {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece)
  return byte ? Number.parseInt(byte[1]!, 16) : undefined
}

/** Each character of a byte-level piece is a byte; a piece with others, as added tokens have them, is its own UTF-8. */
export function bytesOfPiece(piece: string): number[] {
  const bytes = Array.from(piece, (char) => byteOfChar.get(char))
  return bytes.includes(undefined) ? [...utf8.encode(piece)] : (bytes as number[])
}

const utf8 = new TextEncoder()
