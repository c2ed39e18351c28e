import { OutriderError } from '@outrider/tensor'
import { type OnWarning, warnOfUnknownKeys } from '../files/file-warning'
import { parseJson } from '../files/json'
import { withTokensBeside } from './added-tokens-beside'
import { addedTokensOf, type ListedToken } from './added-tokens-json'
import { checkTokenizerJson, type TokenizerLimits, tokenizerLimits } from './bounded-tokenizer'
import { foreignTokenizerJson } from './foreign-tokenizer'
import { type ModelJson, modelJson, type TokenModel, tokenModel, Work } from './model/index'
import { type PieceBytes, pieceBytesOf } from './piece-bytes'
import { type NamedSpecialTokens, namedSpecialTokens } from './special-tokens'
import { TextSteps } from './steps/index'
import { TextStream } from './text-stream'
import { unknownConfigKeys } from './tokenizer-config-keys'

/** A JSON file as its text or already parsed. */
export type JsonFile = string | Record<string, unknown>

/** What belongs to a tokenizer beside its two files, and what it may do. */
export interface TokenizerOptions extends TokenizerLimits {
  /** special_tokens_map.json, as text or parsed: where older exports name the special tokens. */
  specialTokensMap?: JsonFile | undefined
  /** Is told of what of the files is not known, and passed over. */
  onWarning?: OnWarning | undefined
}

/**
 * Text to token ids and back, as the model's own tokenizer.json says, and as Hugging Face's tokenizers 0.23 reads it. What
 * begins and ends a text is said by its post-processor alone (`add_bos_token` beside it is not heeded, as in transformers
 * 5.24). Spaces are left as the model wrote them (`clean_up_tokenization_spaces` is not applied).
 */
export class Tokenizer {
  /** Pieces with an id, added tokens included: one more than the largest id. A model's embedding may be padded beyond it. */
  readonly vocabularySize: number
  /** Ids of the tokens that are marks rather than text, by piece. */
  readonly specialTokens: ReadonlyMap<string, number>
  /** Pieces of the tokens that templates ask for by name. */
  readonly named: NamedSpecialTokens
  /**
   * Added tokens with their flags, those of the files beside tokenizer.json too.
   *
   * @internal
   */
  readonly addedTokens: readonly ListedToken[]
  readonly #steps: TextSteps
  readonly #model: TokenModel
  /** Pieces by their ids, and ids by their pieces, added tokens included. */
  readonly #pieces: readonly (string | undefined)[]
  readonly #ids: ReadonlyMap<string, number>
  readonly #specialIds: ReadonlySet<number>
  readonly #pieceBytes: PieceBytes
  readonly #files: Readonly<Record<string, string>>
  #fingerprint: string | undefined

  private constructor(
    tokenizerJson: JsonFile,
    configJson: JsonFile,
    where: string,
    { specialTokensMap, onWarning, ...limits }: TokenizerOptions,
  ) {
    const file = `${where}tokenizer.json`
    const json = parsed(tokenizerJson, file)
    const config = parsed(configJson, `${where}tokenizer_config.json`)
    refuseForeign(json, file)
    checkTokenizerJson(json, limits)
    const unknown = new Set<string>()
    const note = (key: string) => unknown.add(key)
    const marksFile = parsed(specialTokensMap ?? {}, `${where}special_tokens_map.json`)
    this.named = namedSpecialTokens(config, marksFile)
    const model = modelJson(json.model, file, note)
    const pieces = idsOf(model)
    const listed = addedTokensOf(json.added_tokens, file, note)
    const added = withTokensBeside(listed, new Map(pieces), { config, specialTokensMap: marksFile })
    this.addedTokens = added
    this.#steps = usable(
      file,
      () => new TextSteps({ ...json, added_tokens: added }, { where: file, limits, unknown: note }),
    )
    this.#model = usable(file, () => tokenModel(model))
    for (const key of Object.keys(json)) if (!tokenizerJsonKeys.includes(key)) note(key)
    warnOfUnknownKeys(onWarning, file, unknown)
    const configFile = `${where}tokenizer_config.json`
    warnOfUnknownKeys(onWarning, configFile, unknownConfigKeys(config, configFile))
    this.#files = {
      'tokenizer.json': textOf(tokenizerJson),
      'tokenizer_config.json': textOf(configJson),
      ...(specialTokensMap !== undefined && { 'special_tokens_map.json': textOf(specialTokensMap) }),
    }
    this.#pieceBytes = pieceBytesOf(json)
    const entries = [...pieces, ...added.map(({ content, id }) => [content, id] as const)]
    this.#ids = new Map(entries)
    this.#pieces = piecesById(entries)
    this.vocabularySize = this.#pieces.length
    const named = Object.values(this.named as Record<string, string>).flatMap((piece) => {
      const id = this.tokenToId(piece)
      return id === undefined ? [] : [[piece, id] as const]
    })
    const marks = added.filter(({ special }) => special).map(({ content, id }) => [content, id] as const)
    this.specialTokens = new Map([...marks, ...named])
    this.#specialIds = new Set(this.specialTokens.values())
  }

  /**
   * @param tokenizerJson        tokenizer.json, as text (kept, and given back unchanged by `toFiles`) or parsed
   * @param tokenizerConfigJson  tokenizer_config.json, likewise
   * @param where                where the files are, with a final slash, for errors
   * @param options              special_tokens_map.json, and what the tokenizer may make of a text and how long it may search,
   *   where that is not the default; beyond, encode and decode throw TOKENIZER_LIMIT
   * @throws OutriderError FILE_FORMAT for a file that is no tokenizer, UNSUPPORTED for steps and settings that would change
   *   tokens and are not done here, by name; TOKENIZER_LIMIT for one with parts longer than any
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
    const encoding = this.#encode(text, addSpecialTokens)
    let step = encoding.next()
    while (!step.done) step = encoding.next()
    return step.value
  }

  /**
   * As `encode`, with a pause after every few milliseconds' work in which others have their turn: for a server that answers
   * many on one thread, or a page that is to stay awake while a long text is encoded.
   *
   * @param options.addSpecialTokens  as for `encode`
   * @param options.pause             what is awaited in between; default the next turn of the event loop
   */
  async encodeInSlices(
    text: string,
    { addSpecialTokens = true, pause = nextTurn }: { addSpecialTokens?: boolean; pause?: () => Promise<void> } = {},
  ): Promise<number[]> {
    const encoding = this.#encode(text, addSpecialTokens)
    let step = encoding.next()
    for (; !step.done; step = encoding.next()) await pause()
    return step.value
  }

  /**
   * The text of token ids. Ids without a piece (a padded vocabulary has them) have no text.
   *
   * @param options.skipSpecialTokens  whether special tokens are left out; default true
   */
  decode(ids: Iterable<number>, { skipSpecialTokens = true }: { skipSpecialTokens?: boolean } = {}): string {
    const pieces: string[] = []
    for (const id of ids) {
      const piece = this.idToToken(id)
      if (piece !== undefined && !(skipSpecialTokens && this.#specialIds.has(id))) pieces.push(piece)
    }
    return this.#steps.decode(pieces)
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
      bytes: (id) => this.#pieceBytes(this.idToToken(id)!),
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
    const bytes = this.#pieceBytes(piece)
    if (bytes) return Uint8Array.from(bytes)
    // At the beginning of a text its space would be dropped: what it adds to itself has it.
    return utf8.encode(this.decode([id, id]).slice(this.decode([id]).length))
  }

  idToToken(id: number): string | undefined {
    return this.#pieces[id]
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token)
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

  /** Yields after every so much work. */
  *#encode(text: string, addSpecialTokens: boolean): Generator<void, number[], void> {
    const ids: number[] = []
    const work = new Work()
    for (const section of this.#steps.sections(text))
      if (typeof section === 'number') ids.push(section)
      else yield* this.#model.encode(section, ids, work)
    return addSpecialTokens ? [...this.#steps.framed(ids)] : ids
  }
}

const nextTurn = () => new Promise<void>((resolve) => setTimeout(resolve))

const utf8 = new TextEncoder()

const parsed = (file: JsonFile, where: string): Record<string, unknown> => {
  const json = typeof file === 'string' ? parseJson(file, where) : file
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  throw new OutriderError('FILE_FORMAT', `${where} is not a JSON object.`, { details: { file: where } })
}

const textOf = (file: JsonFile): string => (typeof file === 'string' ? file : `${JSON.stringify(file, null, 2)}\n`)

function refuseForeign(json: Readonly<Record<string, unknown>>, file: string): void {
  const foreign = foreignTokenizerJson(json)
  if (foreign)
    throw new OutriderError('FILE_FORMAT', `${file} is none: it is ${foreign.what}.`, {
      remedy: foreign.remedy,
      details: { file },
    })
}

/** Makes a part of a tokenizer; what goes wrong otherwise is the file's. */
function usable<T>(file: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (cause instanceof OutriderError) throw cause
    throw new OutriderError(
      'FILE_FORMAT',
      `${file} is not a tokenizer that can be used: ${(cause as Error).message}.`,
      {
        remedy: 'Copy or download it again; it must be the tokenizer.json of a Hugging Face "fast" tokenizer.',
        cause,
        details: { file },
      },
    )
  }
}

/** What of a tokenizer.json is known; truncation and padding are of batches, and transformers sets both anew. */
export const tokenizerJsonKeys: readonly string[] = [
  'version',
  'truncation',
  'padding',
  'added_tokens',
  'normalizer',
  'pre_tokenizer',
  'post_processor',
  'decoder',
  'model',
]

const idsOf = ({ vocab }: ModelJson): (readonly [piece: string, id: number])[] =>
  Array.isArray(vocab) ? vocab.map(([piece], id) => [piece, id]) : Object.entries(vocab)

function piecesById(entries: readonly (readonly [piece: string, id: number])[]): (string | undefined)[] {
  const pieces: (string | undefined)[] = []
  for (const [piece, id] of entries) pieces[id] = piece
  return pieces
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
