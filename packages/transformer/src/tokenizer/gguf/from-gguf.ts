import { OutriderError } from '@outrider/tensor'
import type { GgufFile, GgufMetadataValue } from '../../files/gguf/read'
import { ChatTemplate } from '../chat-template'
import { beyondTokenizerLimit } from '../counted-reg-exp'
import { Tokenizer } from '../tokenizer'
import { kinds } from './kinds'
import { preTokenizerNamed } from './pre-tokenizers'

/**
 * The tokenizer of a GGUF file, as a tokenizer.json that does the same: SentencePiece-style BPE (`llama`) or byte-level BPE
 * (`gpt2`) with the ways of cutting words that are known here.
 *
 * @throws OutriderError UNSUPPORTED for other kinds, by name; FILE_FORMAT where parts are missing or do not fit together;
 *   TOKENIZER_LIMIT for pieces longer than any
 */
export function ggufTokenizer({ metadata, where }: GgufFile): { tokenizer: Tokenizer; chatTemplate?: ChatTemplate } {
  const model = metadata.get('tokenizer.ggml.model') ?? 'none'
  if (model !== 'llama' && model !== 'gpt2')
    throw new OutriderError(
      'UNSUPPORTED',
      `${where}: its tokenizer is of the kind ${String(model)}, which is not supported.`,
      {
        remedy: 'Supported: llama (SentencePiece) and gpt2 (byte-level BPE).',
      },
    )
  const fields = new GgufVocabulary(metadata, where)
  const json = model === 'llama' ? sentencePieceJson(fields) : byteLevelJson(fields)
  const piece = (key: string) => fields.specialPiece(key)
  const named = Object.entries({
    bos_token: piece('bos'),
    eos_token: piece('eos'),
    unk_token: piece('unknown'),
    pad_token: piece('padding'),
  }).filter(([, value]) => value !== undefined)
  const template = metadata.get('tokenizer.chat_template')
  const config = { ...Object.fromEntries(named), ...(typeof template === 'string' && { chat_template: template }) }
  const tokenizer = Tokenizer.fromJson(json, config, `${where}: `)
  const chatTemplate = ChatTemplate.fromConfig(config)
  return chatTemplate ? { tokenizer, chatTemplate } : { tokenizer }
}

/** The vocabulary in the metadata, checked. */
class GgufVocabulary {
  readonly pieces: string[]
  readonly kinds: number[]
  readonly #metadata: ReadonlyMap<string, GgufMetadataValue>
  readonly where: string

  constructor(metadata: ReadonlyMap<string, GgufMetadataValue>, where: string) {
    this.#metadata = metadata
    this.where = where
    const pieces = this.list('tokens', 'string') ?? []
    const kindOf = this.list('token_type', 'number') ?? pieces.map(() => kinds.normal)
    if (kindOf.length !== pieces.length) throw this.broken('token_type is not as long as tokens')
    // Unused tokens at the end only pad the embedding.
    let used = pieces.length
    while (used > 0 && kindOf[used - 1] === kinds.unused) used--
    if (used === 0) throw this.broken('it has no tokens')
    this.pieces = pieces.slice(0, used)
    this.kinds = kindOf.slice(0, used)
  }

  list<T extends 'string' | 'number'>(key: string, type: T): (T extends 'string' ? string : number)[] | undefined {
    const value = this.#metadata.get(`tokenizer.ggml.${key}`)
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((element) => typeof element === type)) return value as never
    throw this.broken(`${key} is not a list of ${type}s`)
  }

  text(key: string): string | undefined {
    const value = this.#metadata.get(`tokenizer.ggml.${key}`)
    return typeof value === 'string' ? value : undefined
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#metadata.get(`tokenizer.ggml.${key}`)
    return typeof value === 'boolean' ? value : fallback
  }

  /** The id of bos, eos and so on. */
  special(key: string): number | undefined {
    const id = this.#metadata.get(`tokenizer.ggml.${key}_token_id`)
    if (id === undefined || (typeof id === 'number' && this.pieces[id] !== undefined)) return id
    throw this.broken(`${key}_token_id is ${JSON.stringify(id)}`)
  }

  specialPiece(key: string): string | undefined {
    const id = this.special(key)
    return id === undefined ? undefined : this.pieces[id]
  }

  broken(what: string): OutriderError {
    return new OutriderError('FILE_FORMAT', `${this.where}: its tokenizer is damaged: ${what}.`)
  }
}

/** Pieces that are found in a text before anything else is done to it. */
function addedTokens({ pieces, kinds: kindOf }: GgufVocabulary): Record<string, unknown>[] {
  return pieces.flatMap((content, id) => {
    const kind = kindOf[id]
    if (kind !== kinds.control && kind !== kinds.unknown && kind !== kinds.userDefined) return []
    const special = kind !== kinds.userDefined
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }]
  })
}

/** Marks before and after a text, as the file says. */
function postProcessor(fields: GgufVocabulary, bosByDefault: boolean): Record<string, unknown> | null {
  const frame = (key: string, wanted: boolean) => {
    const id = wanted ? fields.special(key) : undefined
    return id === undefined ? [] : [{ piece: fields.pieces[id]!, id }]
  }
  const before = frame('bos', fields.flag('add_bos_token', bosByDefault))
  const after = frame('eos', fields.flag('add_eos_token', false))
  if (before.length + after.length === 0) return null
  const marks = (list: { piece: string }[], type: number) =>
    list.map(({ piece }) => ({ SpecialToken: { id: piece, type_id: type } }))
  const sequence = (id: string, type: number) => [
    ...marks(before, type),
    { Sequence: { id, type_id: type } },
    ...marks(after, type),
  ]
  return {
    type: 'TemplateProcessing',
    single: sequence('A', 0),
    pair: [...sequence('A', 0), ...sequence('B', 1)],
    special_tokens: Object.fromEntries(
      [...before, ...after].map(({ piece, id }) => [piece, { id: piece, ids: [id], tokens: [piece] }]),
    ),
  }
}

const vocabularyOf = ({ pieces }: GgufVocabulary): Record<string, number> =>
  Object.fromEntries(pieces.map((piece, id) => [piece, id]))

function sentencePieceJson(fields: GgufVocabulary): Record<string, unknown> {
  const scores = fields.list('scores', 'number')
  if (!scores || scores.length < fields.pieces.length) throw fields.broken('scores is not as long as tokens')
  const space = fields.flag('add_space_prefix', true)
  return {
    version: '1.0',
    added_tokens: addedTokens(fields),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(space ? [{ type: 'Prepend', prepend: '▁' }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: postProcessor(fields, true),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(space ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      unk_token: fields.specialPiece('unknown') ?? fields.pieces[fields.kinds.indexOf(kinds.unknown)] ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: vocabularyOf(fields),
      merges: mergesByScore(fields, scores),
    },
  }
}

const maxPieceCharacters = 1000

/**
 * SentencePiece joins the two neighbours whose piece has the highest score, whichever two they are: every way to make a piece
 * of two others is a merge, the best piece's first.
 */
function mergesByScore(
  { pieces, kinds: kindOf, where }: GgufVocabulary,
  scores: readonly number[],
): [string, string][] {
  const joinable = new Map(
    pieces.flatMap((piece, id) =>
      kindOf[id] === kinds.normal || kindOf[id] === kinds.userDefined ? [[piece, id] as const] : [],
    ),
  )
  const merges: { left: string; right: string; score: number; order: number }[] = []
  for (const [piece, id] of joinable) {
    // Every cut copies the piece. SentencePiece makes none longer than 16 characters unless it is told to.
    if (piece.length > maxPieceCharacters)
      throw beyondTokenizerLimit(`${where} has a piece of ${piece.length} characters, more than ${maxPieceCharacters}`)
    const characters = [...piece]
    for (let cut = 1; cut < characters.length; cut++) {
      const [left, right] = [characters.slice(0, cut).join(''), characters.slice(cut).join('')]
      if (joinable.has(left) && joinable.has(right))
        merges.push({ left, right, score: scores[id]!, order: merges.length })
    }
  }
  merges.sort((a, b) => b.score - a.score || a.order - b.order)
  return merges.map(({ left, right }) => [left, right])
}

function byteLevelJson(fields: GgufVocabulary): Record<string, unknown> {
  const name = fields.text('pre') ?? 'default'
  const preTokenizer = preTokenizerNamed(name)
  if (!preTokenizer)
    throw new OutriderError(
      'UNSUPPORTED',
      `${fields.where}: its tokenizer cuts words as ${JSON.stringify(name)} does, which is not known here.`,
      {
        remedy: 'Load the Hugging Face directory of the model, whose tokenizer.json says it in full.',
      },
    )
  const merges = fields.list('merges', 'string')
  if (!merges) throw fields.broken('it has no merges')
  return {
    version: '1.0',
    added_tokens: addedTokens(fields),
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: postProcessor(fields, false),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: name === 'llama-bpe' || name === 'llama3' || name === 'llama-v3',
      vocab: vocabularyOf(fields),
      merges: merges.map((merge) => {
        // The space that divides is the first after a character: a piece may begin with what looks like one.
        const at = merge.indexOf(' ', 1)
        return [merge.slice(0, at), merge.slice(at + 1)]
      }),
    },
  }
}
