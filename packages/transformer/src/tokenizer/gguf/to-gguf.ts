import { OutriderError } from '@outrider/tensor'
import type { GgufValue } from '../../files/gguf/value'
import type { ChatTemplate } from '../chat-template'
import type { Tokenizer } from '../tokenizer'
import { kinds } from './kinds'
import { preTokenizerName } from './pre-tokenizers'

/** A model's tokenizer, with what else of the model GGUF keeps beside it. */
export interface TokenizedModel {
  tokenizer: Tokenizer
  chatTemplate?: ChatTemplate
  config: { vocabularySize: number }
  generationConfig: { eosTokenIds: readonly number[] }
}

/** What is read of a tokenizer.json. */
interface TokenizerJson {
  model?: {
    type?: string
    byte_fallback?: boolean
    ignore_merges?: boolean
    unk_token?: string | null
    merges?: (string | [string, string])[]
  }
  normalizer?: unknown
  pre_tokenizer?: unknown
  added_tokens?: { id: number; content: string; special?: boolean }[]
}

/**
 * A tokenizer in llama.cpp's metadata: SentencePiece-style BPE with byte fallback (`llama`), or byte-level BPE (`gpt2`) with
 * a way of cutting words that llama.cpp knows by name.
 *
 * Ids past the tokenizer's, where the model's embedding is padded, are unused tokens.
 *
 * @throws OutriderError UNSUPPORTED for a tokenizer that llama.cpp could not follow to the token
 */
export function ggufVocabulary({
  tokenizer,
  chatTemplate,
  config: { vocabularySize },
  generationConfig: { eosTokenIds },
}: TokenizedModel): Map<string, GgufValue> {
  const json = JSON.parse(tokenizer.toFiles()['tokenizer.json']!) as TokenizerJson
  const metadata = new Map<string, GgufValue>()
  const set = (key: string, value: GgufValue) => metadata.set(`tokenizer.${key}`, value)
  const strings = (value: readonly string[]): GgufValue => ({ type: 'string[]', value })

  const merges = (json.model?.merges ?? []).map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')))
  const sentencePiece = json.model?.byte_fallback === true
  set('ggml.model', { type: 'string', value: sentencePiece ? 'llama' : 'gpt2' })
  const pieces = Array.from({ length: vocabularySize }, (_, id) => tokenizer.idToToken(id) ?? `[PAD${id}]`)
  set('ggml.tokens', strings(pieces))
  set('ggml.token_type', { type: 'i32[]', value: kindsOf(tokenizer, json, pieces) })
  if (sentencePiece) {
    if (json.model?.type !== 'BPE') throw unsupported(`its model is ${json.model?.type}, not BPE`)
    set('ggml.scores', { type: 'f32[]', value: scoresOf(pieces, merges) })
    set('ggml.add_space_prefix', { type: 'bool', value: JSON.stringify(json.normalizer ?? null).includes('"Prepend"') })
  } else {
    set('ggml.pre', { type: 'string', value: preTokenizer(json) })
    set('ggml.merges', strings(merges))
  }
  const [bare, framed] = [tokenizer.encode('a', { addSpecialTokens: false }), tokenizer.encode('a')]
  const before = framed.slice(0, Math.max(0, framed.lastIndexOf(bare[0]!)))
  const idOf = (piece: string | undefined) => (piece === undefined ? undefined : tokenizer.tokenToId(piece))
  const { bos_token: bos, eos_token: eos, unk_token: unknown, pad_token: padding } = tokenizer.named
  const namedEnd = idOf(eos)
  const [end, turnEnd] = [...new Set([...(eosTokenIds.includes(namedEnd!) ? [namedEnd!] : []), ...eosTokenIds])]
  const special = { bos: idOf(bos), eos: end ?? namedEnd, eot: turnEnd, unknown: idOf(unknown), padding: idOf(padding) }
  for (const [key, id] of Object.entries(special))
    if (id !== undefined) set(`ggml.${key}_token_id`, { type: 'u32', value: id })
  set('ggml.add_bos_token', { type: 'bool', value: before.length > 0 })
  set('ggml.add_eos_token', { type: 'bool', value: framed.length > before.length + bare.length })
  if (chatTemplate) set('chat_template', { type: 'string', value: chatTemplate.source })
  return metadata
}

function kindsOf(tokenizer: Tokenizer, json: TokenizerJson, pieces: readonly string[]): number[] {
  const added = new Map((json.added_tokens ?? []).map(({ id, special }) => [id, special === true]))
  const special = new Set(tokenizer.specialTokens.values())
  return pieces.map((piece, id) => {
    if (id >= tokenizer.vocabularySize || tokenizer.idToToken(id) === undefined) return kinds.unused
    if (piece === json.model?.unk_token) return kinds.unknown
    if (special.has(id)) return kinds.control
    if (added.has(id)) return kinds.userDefined
    return json.model?.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(piece) ? kinds.byte : kinds.normal
  })
}

/** SentencePiece joins the pair whose piece has the highest score: the rank of the first merge that makes it, negated. */
function scoresOf(pieces: readonly string[], merges: readonly string[]): number[] {
  const ranks = new Map<string, number>()
  for (const [rank, merge] of merges.entries()) {
    const piece = merge.replace(' ', '')
    if (!ranks.has(piece)) ranks.set(piece, rank)
  }
  return pieces.map((piece) => -(ranks.get(piece) ?? merges.length))
}

function preTokenizer({ model, pre_tokenizer: steps }: TokenizerJson): string {
  const name = preTokenizerName(steps)
  if (!name) throw unsupported('it cuts words in a way that llama.cpp has no known name for')
  // llama.cpp looks for whole words before it merges with this one only.
  if (model?.ignore_merges && name !== 'llama-bpe')
    throw unsupported('it takes whole words from its vocabulary before it merges')
  return name
}

const unsupported = (why: string) =>
  new OutriderError('UNSUPPORTED', `The tokenizer cannot be written as GGUF: ${why}.`, {
    remedy:
      "Save a Hugging Face directory, and use the convert_hf_to_gguf.py of llama.cpp where it knows the model's tokenizer.",
  })
