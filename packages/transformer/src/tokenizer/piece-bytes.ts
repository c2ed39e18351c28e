import { byteOfChar } from './byte-alphabet'

/** The bytes that a piece stands for where pieces stand for bytes, or undefined where a piece is text of its own. */
export type PieceBytes = (piece: string, added: boolean) => readonly number[] | undefined

/** How pieces stand for bytes in a tokenizer, by its decoder: byte-level BPE (GPT-2), byte fallback (Llama 2), or not at all. */
export function pieceBytesOf(tokenizerJson: Record<string, unknown>): PieceBytes {
  const types = decoderTypes(tokenizerJson.decoder)
  if (types.has('ByteLevel')) return byteLevel
  if (types.has('ByteFallback')) return byteFallback
  return () => undefined
}

function decoderTypes(decoder: unknown, found = new Set<string>()): Set<string> {
  if (typeof decoder !== 'object' || decoder === null) return found
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown }
  if (typeof type === 'string') found.add(type)
  if (Array.isArray(decoders)) for (const part of decoders) decoderTypes(part, found)
  return found
}

/** A piece `<0xE2>` is that byte; every other piece is text. */
const byteFallback: PieceBytes = (piece) => {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece)
  return byte ? [Number.parseInt(byte[1]!, 16)] : undefined
}

/** Each character of a piece is a byte, except in added tokens. */
const byteLevel: PieceBytes = (piece, added) =>
  added ? undefined : Array.from(piece, (char) => byteOfChar.get(char) ?? 0)
