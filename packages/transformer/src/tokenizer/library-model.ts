import { BPE, Unigram, WordPiece } from '@huggingface/tokenizers'
import { OutriderError } from '@outrider/tensor'
import type { ModelJson } from './model-json'

/** Appends the ids of words. */
export type WordModel = (words: readonly string[], ids: number[]) => void

/**
 * The model of a tokenizer.json by the JavaScript library, a word at a time, with what that leaves out: unknown pieces are
 * joined within a word only, Unigram falls back to bytes, and WordLevel is itself.
 */
export function libraryModel(json: ModelJson, where: string): WordModel {
  const model = json as never
  if (json.type === 'WordLevel') return wordLevel(json, where)
  if (json.type === 'Unigram')
    return pieceModel(new Unigram(model, undefined as never), { fuse: true, bytes: json.byte_fallback === true })
  if (json.type === 'WordPiece') return pieceModel(new WordPiece(model), { fuse: false, bytes: false })
  if (json.continuing_subword_prefix)
    throw new OutriderError(
      'UNSUPPORTED',
      `${where} has model.continuing_subword_prefix ${JSON.stringify(json.continuing_subword_prefix)} in a model of the kind BPE, which is not supported.`,
    )
  return pieceModel(new BPE(model), { fuse: json.fuse_unk === true, bytes: false })
}

interface LibraryModel {
  encode: (words: string[]) => string[]
  tokens_to_ids: Map<string, number>
  unk_token_id?: number | undefined
}

function pieceModel(library: unknown, { fuse, bytes }: { fuse: boolean; bytes: boolean }): WordModel {
  const { tokens_to_ids: idOf, unk_token_id: unknown } = library as LibraryModel
  const utf8 = new TextEncoder()
  return (words, ids) => {
    for (const word of words) {
      let unknownText: string | undefined
      const flush = () => {
        if (unknownText === undefined) return
        const fallback = bytes ? byteIds(utf8.encode(unknownText), idOf) : undefined
        if (fallback) ids.push(...fallback)
        else if (unknown !== undefined) ids.push(unknown)
        unknownText = undefined
      }
      for (const piece of (library as LibraryModel).encode([word])) {
        const id = idOf.get(piece)
        if (id === undefined || id === unknown) {
          if (!fuse) flush()
          unknownText = (unknownText ?? '') + piece
        } else {
          flush()
          ids.push(id)
        }
      }
      flush()
    }
  }
}

/** A byte that the vocabulary lacks makes the whole unknown. */
function byteIds(bytes: Uint8Array, idOf: ReadonlyMap<string, number>): number[] | undefined {
  const ids = Array.from(bytes, (byte) => idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`))
  return ids.includes(undefined) ? undefined : (ids as number[])
}

function wordLevel({ vocab, unk_token }: ModelJson, where: string): WordModel {
  const idOf = new Map(Object.entries(vocab as Record<string, number>))
  return (words, ids) => {
    for (const word of words) {
      const id = idOf.get(word) ?? idOf.get(String(unk_token))
      if (id === undefined)
        throw new OutriderError(
          'FILE_FORMAT',
          `${where} has no unknown token (model.unk_token), and no piece for a word.`,
        )
      ids.push(id)
    }
  }
}
