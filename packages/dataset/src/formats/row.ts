import type { ChatMessage } from '@outrider/transformer'

/** A conversation: what a chat model learns to answer in. */
export interface ConversationRow {
  kind: 'conversation'
  messages: ChatMessage[]
  /** Whatever else the row said: id, category, temperature … */
  metadata: Record<string, unknown>
}

/** Plain text, for pretraining. */
export interface TextRow {
  kind: 'text'
  text: string
}

/** Tokens already, with a mask of those to learn. */
export interface TokensRow {
  kind: 'tokens'
  tokens: number[]
  lossMask: number[]
}

export type DatasetRow = ConversationRow | TextRow | TokensRow

/** Rows in a fixed order; may be read again and again. */
export interface DataSource extends AsyncIterable<DatasetRow> {
  /** Where they come from, as error messages print it. */
  readonly name: string
}
