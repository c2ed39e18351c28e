import { BPE, Unigram as LibraryUnigram, WordPiece as LibraryWordPiece, type Tokenizer } from '@huggingface/tokenizers'
import { OutriderError } from '@outrider/tensor'
import { BytePairEncoding, type BytePairModel } from './byte-pair-encoding'
import { type TokenModel, Work } from './token-model'
import { Unigram, type UnigramModel } from './unigram'
import { WordPiece, type WordPieceModel } from './word-piece'

/** What of the library's tokenizer is used here. */
interface LibraryParts {
  model: { (words: string[]): unknown[]; _call: (words: string[]) => unknown[] }
  /** Cuts a text at added tokens, normalizes it, cuts it into words and calls the model with them. */
  encode_text: (text: string) => unknown[]
  added_tokens_map: ReadonlyMap<string, { id: number }>
  post_processor: ((ids: unknown[], pair: null, addSpecialTokens: boolean) => { tokens: unknown[] }) | null
}

/** Words of a part of a text, in place of their tokens. */
class Words {
  constructor(readonly words: readonly string[]) {}
}

/**
 * Text to ids: the library cuts a text into added tokens and words, the models here encode the words, in time that grows as
 * the text does, whatever it is.
 */
export class Encoder {
  readonly #library: LibraryParts
  readonly #tokenToId: (token: string) => number | undefined
  readonly #model: TokenModel | undefined

  /**
   * @param tokenizer  the library's, whose model words are taken from from now on
   * @param model      the `model` of tokenizer.json
   * @param where      the file, for errors
   * @throws OutriderError UNSUPPORTED for dropout; Error for a model that is damaged
   */
  constructor(tokenizer: Tokenizer, model: unknown, where: string) {
    refuseDropout(model, where)
    this.#library = tokenizer as unknown as LibraryParts
    this.#tokenToId = (token) => tokenizer.token_to_id(token) ?? tokenizer.model?.unk_token_id
    if (tokenizer.model instanceof BPE) this.#model = new BytePairEncoding(model as BytePairModel)
    if (tokenizer.model instanceof LibraryUnigram) this.#model = new Unigram(model as UnigramModel)
    if (tokenizer.model instanceof LibraryWordPiece) this.#model = new WordPiece(model as WordPieceModel)
    // Words are collected first, and encoded when all are there: a pause is possible between them.
    if (this.#model) this.#library.model._call = (words) => [new Words(words)]
  }

  /** The ids of a text; yields after every so much work. */
  *encode(text: string, addSpecialTokens: boolean, work = new Work()): Generator<void, number[], void> {
    const { added_tokens_map, encode_text, post_processor } = this.#library
    const own: number[] = []
    for (const part of encode_text.call(this.#library, text)) {
      if (part instanceof Words) yield* this.#model!.encode(part.words, own, work)
      else own.push(added_tokens_map.get(part as string)?.id ?? this.#tokenToId(part as string)!)
    }
    if (!post_processor) return own
    // Post-processors put tokens around others and look into none.
    const framed = post_processor([own], null, addSpecialTokens).tokens.map((part) =>
      part === own ? own : [this.#tokenToId(part as string)!],
    )
    return framed.length === 1 ? framed[0]! : framed.flat()
  }
}

function refuseDropout(model: unknown, where: string): void {
  const { dropout } = model as { dropout?: unknown }
  if (!dropout) return
  throw new OutriderError(
    'UNSUPPORTED',
    `${where} has a dropout of ${dropout} in its model: the same text would have other tokens each time.`,
    { remedy: 'Set model.dropout to null: it is for training a model.', details: { file: where } },
  )
}

/** A model without its merges, which the library would make its own slow table of. */
export const withoutMerges = (model: unknown): unknown =>
  typeof model === 'object' && model !== null && Array.isArray((model as { merges?: unknown }).merges)
    ? { ...model, merges: [] }
    : model
