import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { OutriderError } from '@outrider/tensor'
import { parseJson } from '../files/json'
import { boundTokenizer, checkTokenizerJson, type TokenizerLimits, tokenizerLimits } from './bounded-tokenizer'
import { type PieceBytes, pieceBytesOf } from './piece-bytes'
import { type NamedSpecialTokens, namedSpecialTokens } from './special-tokens'
import { TextStream } from './text-stream'

/** A JSON file as its text or already parsed. */
export type JsonFile = string | Record<string, unknown>

/** What belongs to a tokenizer beside its two files, and what it may do. */
export interface TokenizerOptions extends TokenizerLimits {
  /** special_tokens_map.json, as text or parsed: where older exports name the special tokens. */
  specialTokensMap?: JsonFile | undefined
}

/**
 * Text to token ids and back, as the model's own tokenizer.json says. The work is done by `@huggingface/tokenizers`; this
 * class adds special tokens that only the files beside it name, and decoding piece by piece. What begins and ends a text is
 * said by the post-processor of tokenizer.json alone (`add_bos_token` beside it is not heeded, as in transformers 5.24). Spaces are left as the model wrote them
 * (`clean_up_tokenization_spaces` is not applied).
 */
export class Tokenizer {
  /** Pieces with an id, added tokens included: one more than the largest id. A model's embedding may be padded beyond it. */
  readonly vocabularySize: number
  /** Ids of the tokens that are marks rather than text, by piece. */
  readonly specialTokens: ReadonlyMap<string, number>
  /** Pieces of the tokens that templates ask for by name. */
  readonly named: NamedSpecialTokens
  readonly #tokenizer: HuggingFaceTokenizer
  readonly #specialIds: ReadonlySet<number>
  readonly #addedIds: ReadonlySet<number>
  readonly #pieceBytes: PieceBytes
  readonly #files: Readonly<Record<string, string>>
  #fingerprint: string | undefined

  private constructor(
    tokenizerJson: JsonFile,
    configJson: JsonFile,
    where: string,
    { specialTokensMap, ...limits }: TokenizerOptions,
  ) {
    const json = parsed(tokenizerJson, `${where}tokenizer.json`)
    const config = parsed(configJson, `${where}tokenizer_config.json`)
    this.#tokenizer = construct(json, config, `${where}tokenizer.json`, limits)
    this.#files = {
      'tokenizer.json': textOf(tokenizerJson),
      'tokenizer_config.json': textOf(configJson),
      ...(specialTokensMap !== undefined && { 'special_tokens_map.json': textOf(specialTokensMap) }),
    }
    this.#pieceBytes = pieceBytesOf(json)
    this.named = namedSpecialTokens(config, parsed(specialTokensMap ?? {}, `${where}special_tokens_map.json`))
    // The library's table has the added tokens too.
    this.vocabularySize = this.#tokenizer.model?.vocab.length ?? 0
    this.#addedIds = new Set(this.#tokenizer.get_added_tokens_decoder().keys())
    this.specialTokens = new Map(this.#specials())
    this.#specialIds = new Set(this.specialTokens.values())
  }

  /**
   * @param tokenizerJson        tokenizer.json, as text (kept, and given back unchanged by `toFiles`) or parsed
   * @param tokenizerConfigJson  tokenizer_config.json, likewise
   * @param where                where the files are, with a final slash, for errors
   * @param options              special_tokens_map.json, and what the tokenizer may make of a text and how long it may search,
   *   where that is not the default; beyond, encode and decode throw TOKENIZER_LIMIT
   * @throws OutriderError FILE_FORMAT for a file that is no tokenizer, TOKENIZER_LIMIT for one with parts longer than any
   */
  static fromJson(
    tokenizerJson: JsonFile,
    tokenizerConfigJson: JsonFile = {},
    where = '',
    options: Partial<TokenizerOptions> = {},
  ): Tokenizer {
    return new Tokenizer(tokenizerJson, tokenizerConfigJson, where, { ...tokenizerLimits, ...options })
  }

  /**
   * Token ids of a text. Special tokens written in the text are recognised.
   *
   * @param options.addSpecialTokens  whether the marks that begin (and end) a text are added; default true. A rendered chat
   *   template has its own: pass false.
   */
  encode(text: string, { addSpecialTokens = true }: { addSpecialTokens?: boolean } = {}): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids
  }

  /**
   * The text of token ids. Ids without a piece (a padded vocabulary has them) have no text.
   *
   * @param options.skipSpecialTokens  whether special tokens are left out; default true
   */
  decode(ids: Iterable<number>, { skipSpecialTokens = true }: { skipSpecialTokens?: boolean } = {}): string {
    const kept = [...ids].filter(
      (id) => this.idToToken(id) !== undefined && !(skipSpecialTokens && this.#specialIds.has(id)),
    )
    return kept.length === 0 ? '' : this.#tokenizer.decode(kept, { clean_up_tokenization_spaces: false })
  }

  /**
   * Decodes ids as they come: the texts of `push` and `end` join to what `decode` gives for all of them. A character that
   * takes several tokens is held back until it is whole; if the ids end in the middle of one, it is left out.
   *
   * @param options.context  ids that the stream continues, whose text is not given again; without them the stream begins a
   *   text (where Llama tokenizers drop the space before the first word)
   */
  stream({ context = [] }: { context?: readonly number[] } = {}): TextStream {
    return new TextStream({
      decode: (ids) => this.decode(ids),
      hasText: (id) => this.idToToken(id) !== undefined && !this.#specialIds.has(id),
      bytes: (id) => this.#pieceBytes(this.idToToken(id)!, this.#addedIds.has(id)),
      context,
    })
  }

  /**
   * What a token stands for within a text, as UTF-8: bytes, for it may be a part of a character. A special token stands for its
   * piece, an id without a piece for nothing.
   */
  tokenBytes(id: number): Uint8Array {
    const piece = this.idToToken(id)
    if (piece === undefined) return new Uint8Array()
    if (this.#specialIds.has(id)) return utf8.encode(piece)
    const bytes = this.#pieceBytes(piece, this.#addedIds.has(id))
    if (bytes) return Uint8Array.from(bytes)
    // At the beginning of a text its space would be dropped: what it adds to itself has it.
    return utf8.encode(this.decode([id, id]).slice(this.decode([id]).length))
  }

  idToToken(id: number): string | undefined {
    return this.#tokenizer.id_to_token(id)
  }

  tokenToId(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token)
  }

  /** Equal for tokenizers with the same piece at every id (a 64-bit hash in hexadecimal). */
  get fingerprint(): string {
    this.#fingerprint ??= hashPieces(this.vocabularySize, (id) => this.idToToken(id))
    return this.#fingerprint
  }

  /** The files this tokenizer was made from, unchanged: tokenizer.json, tokenizer_config.json, special_tokens_map.json. */
  toFiles(): Record<string, string> {
    return { ...this.#files }
  }

  *#specials(): Generator<[string, number]> {
    for (const [id, { content, special }] of this.#tokenizer.get_added_tokens_decoder())
      if (special) yield [content, id]
    for (const piece of Object.values(this.named)) {
      const id = this.tokenToId(piece)
      if (id !== undefined) yield [piece, id]
    }
  }
}

const utf8 = new TextEncoder()

const parsed = (file: JsonFile, where: string): Record<string, unknown> => {
  const json = typeof file === 'string' ? parseJson(file, where) : file
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  throw new OutriderError('FILE_FORMAT', `${where} is not a JSON object.`, { details: { file: where } })
}

const textOf = (file: JsonFile): string => (typeof file === 'string' ? file : `${JSON.stringify(file, null, 2)}\n`)

function construct(
  json: Record<string, unknown>,
  config: Record<string, unknown>,
  where: string,
  limits: TokenizerLimits,
): HuggingFaceTokenizer {
  try {
    checkTokenizerJson(json, limits)
    const tokenizer = new HuggingFaceTokenizer(json, config)
    boundTokenizer(tokenizer, limits)
    return tokenizer
  } catch (cause) {
    if (cause instanceof OutriderError) throw cause
    throw new OutriderError(
      'FILE_FORMAT',
      `${where} is not a tokenizer that can be used: ${(cause as Error).message}.`,
      {
        remedy: 'Copy or download it again; it must be the tokenizer.json of a Hugging Face "fast" tokenizer.',
        cause,
        details: { file: where },
      },
    )
  }
}

/** FNV-1a over the pieces and their ends, in two 32-bit halves with different offsets. */
function hashPieces(size: number, pieceOf: (id: number) => string | undefined): string {
  let [a, b] = [0x811c9dc5, 0x01000193]
  const mix = (code: number) => {
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x85ebca6b)
  }
  for (let id = 0; id < size; id++) {
    const piece = pieceOf(id)
    for (let i = 0; i < (piece?.length ?? 0); i++) mix(piece!.charCodeAt(i))
    mix(piece === undefined ? 0x10001 : 0x10000)
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
