import type { GgufValue } from '../../files/gguf/value'
import type { ChatTemplate } from '../chat-template'
import type { Tokenizer } from '../tokenizer'
import { byteLevelForm } from './byte-level-form'
import { kinds } from './kinds'
import { marksByText } from './known-by-text'
import { sentencePieceForm } from './sentencepiece-form'
import { defaultIds } from './special-ids'
import { addedTokensForm } from './written-added-tokens'
import { specialTokenMetadata } from './written-special-tokens'
import { quoted, type TokenizerJson, unsupported } from './written-tokenizer'

/** A model's tokenizer, with what else of the model GGUF keeps beside it. */
export interface TokenizedModel {
  tokenizer: Tokenizer
  chatTemplate?: ChatTemplate
  config: { vocabularySize: number; bosTokenId?: number }
  generationConfig: { eosTokenIds: readonly number[] }
}

export interface GgufVocabulary {
  metadata: Map<string, GgufValue>
  /** Whether white space after special tokens is dropped: llama.cpp does that by the model's name. */
  asPhi3: boolean
  /** What llama.cpp makes otherwise of some texts, as sentences without their end. */
  differences: string[]
  /** What it does otherwise with any file of such a model, likewise: where it ends answers, rare characters. */
  remarks: string[]
}

/**
 * A tokenizer in llama.cpp's metadata: SentencePiece-style BPE with byte fallback (`llama`), or byte-level BPE (`gpt2`) with
 * a way of cutting words that llama.cpp knows by name. Every part of it is one that llama.cpp does the same, or refused, or
 * among the differences.
 *
 * Ids past the tokenizer's, where the model's embedding is padded, are unused tokens.
 *
 * @throws OutriderError UNSUPPORTED for a tokenizer that llama.cpp could not follow to the token
 */
export function ggufVocabulary({
  tokenizer,
  chatTemplate,
  config: { vocabularySize, bosTokenId },
  generationConfig: { eosTokenIds },
}: TokenizedModel): GgufVocabulary {
  const files = tokenizer.toFiles()
  const json = { ...JSON.parse(files['tokenizer.json']!), added_tokens: [...tokenizer.addedTokens] } as TokenizerJson
  const differences: string[] = []
  const remarks: string[] = []
  checkModel(json)
  const { asPhi3 } = addedTokensForm(json, differences)
  if (asPhi3) remarks.push('after a special token it drops white space of ASCII alone')
  const pieces = piecesOf(tokenizer, vocabularySize, differences)
  const tokenKinds = kindsOf(tokenizer, json, pieces)
  const model = json.model?.byte_fallback ? 'llama' : 'gpt2'

  const metadata = new Map<string, GgufValue>()
  const set = (key: string, value: GgufValue) => metadata.set(`tokenizer.${key}`, value)
  const strings = (value: readonly string[]): GgufValue => ({ type: 'string[]', value })
  set('ggml.model', { type: 'string', value: model })
  set('ggml.tokens', strings(pieces))
  set('ggml.token_type', { type: 'i32[]', value: tokenKinds })
  if (model === 'llama') {
    const { scores, spacePrefix } = sentencePieceForm(json, pieces, differences)
    set('ggml.scores', { type: 'f32[]', value: scores })
    set('ggml.add_space_prefix', { type: 'bool', value: spacePrefix })
  } else {
    const { pre, merges } = byteLevelForm(json, differences, remarks)
    set('ggml.pre', { type: 'string', value: pre })
    set('ggml.merges', strings(merges))
  }
  for (const [id, piece] of pieces.entries())
    if (tokenKinds[id] === kinds.normal && marksByText.has(piece))
      differences.push(`${quoted(piece)} is text to it, and a mark to llama.cpp`)
  const special = specialTokenMetadata(tokenizer, {
    pieces,
    isUnused: (id) => tokenKinds[id] === kinds.unused,
    ends: eosTokenIds,
    configBos: bosTokenId !== undefined && bosTokenId < vocabularySize ? bosTokenId : undefined,
    template: chatTemplate?.source,
    defaults: defaultIds[model],
    differences,
    remarks,
  })
  for (const [key, value] of special) set(`ggml.${key}`, value)
  if (chatTemplate) set('chat_template', { type: 'string', value: chatTemplate.source })
  // Templates for other occasions: tool_use, rag.
  const others = Object.entries(chatTemplate?.others ?? {})
  if (others.length > 0) set('chat_templates', strings(others.map(([name]) => name)))
  for (const [name, value] of others) set(`chat_template.${name}`, { type: 'string', value })
  return { metadata, asPhi3, differences, remarks }
}

function checkModel({ model = {} }: TokenizerJson): void {
  if (model.type !== undefined && model.type !== 'BPE') throw unsupported(`its model is ${model.type}, not BPE`)
  if (model.dropout) throw unsupported(`it leaves out merges at random (dropout ${model.dropout})`)
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix'] as const)
    if (model[key]) throw unsupported(`llama.cpp has no place for its ${key} ${quoted(model[key])}`)
}

/** The piece of every id; ids without one get a name that is no piece. */
function piecesOf(tokenizer: Tokenizer, vocabularySize: number, differences: string[]): string[] {
  const found = Array.from({ length: vocabularySize }, (_, id) => tokenizer.idToToken(id) || undefined)
  const ids = new Map<string, number>()
  for (const [id, piece] of found.entries()) {
    if (piece === undefined) continue
    if (ids.has(piece))
      throw unsupported(`${quoted(piece)} has two ids, ${ids.get(piece)} and ${id}, which llama.cpp refuses`)
    if (piece.includes('\0'))
      throw unsupported(`${quoted(piece)} has the character 0, at which a piece ends in llama.cpp`)
    ids.set(piece, id)
  }
  for (let id = vocabularySize; id < tokenizer.vocabularySize; id++) {
    const piece = tokenizer.idToToken(id)
    if (piece !== undefined)
      differences.push(
        `its token ${quoted(piece)} (${id}) is beyond the model's ${vocabularySize}; to llama.cpp it is text`,
      )
  }
  return found.map((piece, id) => {
    let name = piece ?? `[PAD${id}]`
    while (piece === undefined && ids.has(name)) name = `[${name}]`
    return name
  })
}

function kindsOf(tokenizer: Tokenizer, json: TokenizerJson, pieces: readonly string[]): number[] {
  const added = new Set((json.added_tokens ?? []).map(({ id }) => id))
  const special = new Set(tokenizer.specialTokens.values())
  return pieces.map((piece, id) => {
    if (!tokenizer.idToToken(id)) return kinds.unused
    if (piece === json.model?.unk_token) return kinds.unknown
    if (special.has(id)) return kinds.control
    if (added.has(id)) return kinds.userDefined
    return json.model?.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(piece) ? kinds.byte : kinds.normal
  })
}
