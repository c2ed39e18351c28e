import type { Tokenizer } from '@outrider/transformer'
import type { Example } from '../../tokenize/example'
import type { TopOfPlaces } from '../../top-tokens/top-tokens'
import type { Post } from '../http'

/** Who is asked, and for how many tokens a place. */
export interface AskedAbout {
  /** Where `/completions` is. */
  base: string
  /** Where an engine has what OpenAI does not. */
  root: string
  model: string
  k: number
  /** The target's, where it is at hand: for engines that name tokens by their text. */
  tokenizer: Tokenizer | undefined
}

/** A way of asking what an engine thinks of a row. */
export interface Teacher {
  /** What is asked, for people to read. */
  readonly name: string
  /**
   * The k likeliest tokens in the place of every learned token of a row.
   *
   * @throws RequestFailure refused where the engine does not say them; broken where it answers with nothing of the kind
   */
  topTokens(post: Post, about: AskedAbout, row: Example, signal?: AbortSignal): Promise<TopOfPlaces>
}
