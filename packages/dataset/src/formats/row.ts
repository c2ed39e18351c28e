import type { ChatMessage } from '@outrider/transformer'
import type { BadRows } from './bad-rows'

/** A conversation: what a chat model learns to answer in. */
export interface ConversationRow {
  kind: 'conversation'
  messages: ChatMessage[]
  /** Answers, by their place in `messages`, that the row says are not to be learned. */
  unlearned?: readonly number[]
  /** Answers, by their place, that were cut before the model ended them: no end token is learned after them. */
  cut?: readonly number[]
  /** The tokens of the last answer as the model said them, its end token among them: they are learned as they are. */
  answerIds?: readonly number[]
  /** Whatever else the row said: id, category, temperature … */
  metadata: Record<string, unknown>
  /** File and line, as errors name it; of a row in memory nothing. */
  where?: string
}

/** Plain text, for pretraining. */
export interface TextRow {
  kind: 'text'
  text: string
  where?: string
}

/** Tokens already, with a mask of those to learn. */
export interface TokensRow {
  kind: 'tokens'
  tokens: number[]
  lossMask: number[]
  where?: string
}

export type DatasetRow = ConversationRow | TextRow | TokensRow

/** Rows in a fixed order; may be read again and again. */
export interface DataSource extends AsyncIterable<DatasetRow> {
  /** Where they come from, as error messages print it. */
  readonly name: string
  /** Where given, a row that is read well and yet cannot be used (no template writes it, no context holds it) is passed over. */
  readonly badRows?: BadRows | undefined
}
