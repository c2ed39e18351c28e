import type { TokenizerLimits } from '../bounded-tokenizer'
import { type AddedToken, AddedTokens } from './added-tokens'
import { type Decoder, decoder } from './decoders'
import { type Normalizer, normalizer } from './normalizers'
import { type PostProcessor, postProcessor } from './post-processors'
import { type PreTokenizer, preTokenizer } from './pre-tokenizers'
import { type StepContext, StepFields } from './step'

/** What the steps are made of: a tokenizer.json without its model. */
export interface StepsJson {
  added_tokens: readonly (AddedToken & { normalized: boolean })[]
  normalizer?: unknown
  pre_tokenizer?: unknown
  post_processor?: unknown
  decoder?: unknown
}

/**
 * What a tokenizer does around its model: a text is cut into added tokens and words, the words' ids get marks around them,
 * and pieces become a text again. As Hugging Face's tokenizers 0.23 does each step.
 */
export class TextSteps {
  readonly #normalize: Normalizer | undefined
  readonly #cut: PreTokenizer | undefined
  readonly #frame: PostProcessor | undefined
  readonly #decode: Decoder | undefined
  /** Tokens that are looked for in the text as it is, and in the text as it is normalized. */
  readonly #asWritten: AddedTokens
  readonly #normalized: AddedTokens

  /**
   * @param context.where    the file, for errors
   * @param context.unknown  is told of keys that are not known
   * @throws OutriderError UNSUPPORTED for a step that is not known, by name and place; FILE_FORMAT
   */
  constructor(
    json: StepsJson,
    { where, limits, unknown }: { where: string; limits: TokenizerLimits } & Pick<StepContext, 'unknown'>,
  ) {
    const made = <T>(key: keyof StepsJson, make: (step: StepFields) => T): T | undefined =>
      json[key] == null ? undefined : make(new StepFields(json[key], { where: `${where}: ${key}`, limits, unknown }))
    this.#normalize = made('normalizer', normalizer)
    this.#cut = made('pre_tokenizer', preTokenizer)
    this.#frame = made('post_processor', postProcessor)
    this.#decode = made('decoder', decoder)
    const normal = (token: AddedToken) => ({ ...token, content: this.#normalize?.(token.content) ?? token.content })
    this.#asWritten = new AddedTokens(json.added_tokens.filter(({ normalized }) => !normalized))
    this.#normalized = new AddedTokens(json.added_tokens.filter(({ normalized }) => normalized).map(normal))
  }

  /** A text in its order: ids of added tokens, and the words of what stands between them. */
  *sections(text: string): Generator<number | string[], void, undefined> {
    for (const written of this.#asWritten.split(text)) {
      if (written.token !== undefined) {
        yield written.token
        continue
      }
      const part = text.slice(written.start, written.end)
      const normal = this.#normalize?.(part) ?? part
      for (const { token, start, end } of this.#normalized.split(normal)) {
        if (token !== undefined) yield token
        else {
          const word = { text: normal.slice(start, end), begins: written.start === 0 && start === 0 }
          yield (this.#cut?.([word]) ?? [word]).map(({ text }) => text)
        }
      }
    }
  }

  /** The ids of a text with the marks that begin and end it. */
  framed(ids: readonly number[]): readonly number[] {
    return this.#frame?.(ids) ?? ids
  }

  /** The text of pieces. */
  decode(pieces: readonly string[]): string {
    return this.#decode ? this.#decode(pieces).join('') : pieces.join(' ')
  }
}
