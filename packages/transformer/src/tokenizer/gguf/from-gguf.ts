import type { GgufFile } from '../../files/gguf/read'
import { ChatTemplate } from '../chat-template'
import { Tokenizer } from '../tokenizer'
import { byteLevelJson } from './byte-level'
import { sentencePieceJson } from './sentence-piece'
import { GgufVocabulary } from './vocabulary'

/** What a GGUF file holds beside the weights of how text becomes tokens. */
export interface GgufTokenizer {
  tokenizer: Tokenizer
  chatTemplate?: ChatTemplate
  /** Ids of the tokens that begin a text, end an answer and pad, as configurations name them. */
  tokens: { bosTokenId?: number; eosTokenIds: number[]; padTokenId?: number }
}

/**
 * The tokenizer of a GGUF file, as a tokenizer.json that does the same: SentencePiece-style BPE (`llama`) or byte-level BPE
 * (`gpt2`) with the ways of cutting words that are known here. What the file does not say is as in llama.cpp (v0.5.0): which
 * tokens begin a text and end an answer, by the kind of vocabulary, `tokenizer.ggml.pre` and the texts of pieces.
 *
 * @throws OutriderError UNSUPPORTED for other kinds, by name; FILE_FORMAT where parts are missing or do not fit together;
 *   TOKENIZER_LIMIT for pieces longer than any
 */
export function ggufTokenizer({ metadata, where }: GgufFile): GgufTokenizer {
  const vocabulary = new GgufVocabulary(metadata, where)
  const json = vocabulary.model === 'llama' ? sentencePieceJson(vocabulary) : byteLevelJson(vocabulary)
  const { marks, ends } = vocabulary.special
  const named = Object.fromEntries(Object.entries(marks).map(([name, id]) => [name, vocabulary.pieces[id]!]))
  const template = metadata.get(templateKey)
  if (template !== undefined && typeof template !== 'string')
    throw vocabulary.broken('tokenizer.chat_template is not a text')
  const config = { ...named, ...(template !== undefined && { chat_template: template }) }
  const tokenizer = Tokenizer.fromJson(json, config, `${where}: `)
  const chatTemplate =
    template === undefined
      ? undefined
      : new ChatTemplate(template, tokenizer.named, {
          file: `${where} (${templateKey})`,
          others: namedTemplates(metadata),
        })
  return {
    tokenizer,
    ...(chatTemplate && { chatTemplate }),
    tokens: {
      ...(marks.bos_token !== undefined && { bosTokenId: marks.bos_token }),
      eosTokenIds: [...ends],
      ...(marks.pad_token !== undefined && { padTokenId: marks.pad_token }),
    },
  }
}

const templateKey = 'tokenizer.chat_template'

/** Templates for tools and so on, which have names after the key of the one that is used. */
function namedTemplates(metadata: GgufFile['metadata']): Record<string, string> {
  const named = [...metadata].flatMap(([key, value]) =>
    key.startsWith(`${templateKey}.`) && typeof value === 'string'
      ? [[key.slice(templateKey.length + 1), value] as const]
      : [],
  )
  return Object.fromEntries(named)
}
