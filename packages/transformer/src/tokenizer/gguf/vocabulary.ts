import { OutriderError } from '@outrider/tensor'
import type { GgufMetadataValue } from '../../files/gguf/header-reader'
import { kinds } from './kinds'
import { type SpecialIds, specialIds } from './special-ids'
import { wordCutsNamed } from './word-cuts'

/** The vocabulary in the metadata of a GGUF file, checked, with what llama.cpp takes where nothing is said. */
export class GgufVocabulary {
  /** `llama`: pieces of text by score. `gpt2`: pieces of bytes by merges. */
  readonly model: 'llama' | 'gpt2'
  /** The name of the way to cut words, of gpt2. */
  readonly pre: string
  /** The model's name (`general.name`) in small letters: llama.cpp knows some models by it. */
  readonly name: string
  readonly pieces: readonly string[]
  /** Of each piece, by llama.cpp's numbers (`kinds`); pieces that it makes something else by their text are that. */
  readonly kinds: readonly number[]
  readonly special: SpecialIds
  readonly where: string
  readonly #metadata: ReadonlyMap<string, GgufMetadataValue>

  constructor(metadata: ReadonlyMap<string, GgufMetadataValue>, where: string) {
    this.#metadata = metadata
    this.where = where
    this.model = modelOf(metadata, where)
    this.pre = this.text('pre') ?? 'default'
    const name = metadata.get('general.name')
    this.name = typeof name === 'string' ? name.toLowerCase() : ''
    const pieces = (this.list('tokens', 'string') ?? []).map((piece, id) => piece || `[EMPTY_${id}]`)
    if (pieces.length === 0) throw this.broken('it has no tokens')
    const ids = new Map(pieces.map((piece, id) => [piece, id]))
    if (ids.size !== pieces.length) {
      const twice = pieces.find((piece, id) => ids.get(piece) !== id)!
      throw this.broken(`the piece ${JSON.stringify(twice)} is there twice`)
    }
    const stored = this.list('token_type', 'number') ?? pieces.map(() => kinds.normal)
    if (stored.length < pieces.length) throw this.broken('token_type is not as long as tokens')
    const hasNoBegin = wordCutsNamed(this.pre)?.hasNoBegin === true && this.model === 'gpt2'
    const found = specialIds({ ids, kinds: stored, model: this.model, hasNoBegin, keyed: (key) => this.#keyed(key) })
    this.special = found.special
    // Unused tokens at the end only pad the embedding.
    const { bos = -1, eos = -1, marks, ends } = this.special
    const named = Math.max(bos, eos, ...Object.values(marks), ...ends)
    let used = pieces.length
    while (used > named + 1 && found.kinds[used - 1] === kinds.unused) used--
    if (used === 0) throw this.broken('it has no tokens')
    this.pieces = pieces.slice(0, used)
    this.kinds = found.kinds.slice(0, used)
  }

  list<T extends 'string' | 'number'>(key: string, type: T): (T extends 'string' ? string : number)[] | undefined {
    const value = this.#value(key)
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((element) => typeof element === type)) return value as never
    throw this.broken(`${key} is not a list of ${type}s`)
  }

  text(key: string): string | undefined {
    const value = this.#value(key)
    if (value === undefined || typeof value === 'string') return value
    throw this.broken(`${key} is ${JSON.stringify(value)}, not a text`)
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#value(key) ?? fallback
    if (typeof value === 'boolean') return value
    throw this.broken(`${key} is ${JSON.stringify(value)}, not true or false`)
  }

  broken(what: string): OutriderError {
    return new OutriderError('FILE_FORMAT', `${this.where}: its tokenizer is damaged: ${what}.`, {
      details: { file: this.where },
    })
  }

  /** An id that a key names. One beyond the pieces is as none. */
  #keyed(key: string): number | undefined {
    const id = this.#value(`${key}_token_id`)
    if (id === undefined || (Number.isSafeInteger(id) && (id as number) >= 0)) return id as number | undefined
    throw this.broken(`${key}_token_id is ${JSON.stringify(id)}`)
  }

  #value(key: string): GgufMetadataValue | undefined {
    return this.#metadata.get(`tokenizer.ggml.${key}`)
  }
}

/** What other kinds of vocabularies are, by llama.cpp's names. */
const otherModels: Readonly<Record<string, string>> = {
  bert: 'WordPiece',
  t5: 'Unigram',
  rwkv: 'of RWKV',
  plamo2: 'of PLaMo 2',
  gemma4: 'of Gemma 4',
  hybriddna: 'of HybridDNA',
  whitespace: 'words between white space',
  test: 'for tests',
}

function modelOf(metadata: ReadonlyMap<string, GgufMetadataValue>, where: string): 'llama' | 'gpt2' {
  const model = metadata.get('tokenizer.ggml.model') ?? 'none'
  if (model === 'llama' || model === 'gpt2') return model
  const name = String(model)
  const what =
    name === 'none' || name === 'no_vocab'
      ? 'it has no tokenizer'
      : `its tokenizer is of the kind ${name}${otherModels[name] ? ` (${otherModels[name]})` : ''}, which is not supported`
  throw new OutriderError('UNSUPPORTED', `${where}: ${what}.`, {
    remedy: 'Supported: llama (SentencePiece) and gpt2 (byte-level BPE).',
    details: { file: where, model: name },
  })
}
