import { OutriderError } from '@outrider/tensor'
import type { Tokenizer } from './tokenizer'

/** What is compared of a model: its tokenizer, and how many rows its embedding has. */
export interface WithVocabulary {
  tokenizer: Tokenizer
  config: { vocabularySize: number }
  /** Where the model came from, for errors. */
  source?: string
}

/**
 * Makes sure that two models speak the same tokens: the same piece at every id. Their embeddings may be padded to
 * different sizes; the padding rows stand for no token.
 *
 * @returns the number of ids that both have
 * @throws OutriderError VOCABULARY_MISMATCH with both sizes and the first piece that differs
 */
export function compareVocabularies(target: WithVocabulary, draft: WithVocabulary): number {
  const [a, b] = [target.tokenizer, draft.tokenizer]
  const same = a === b || (a.vocabularySize === b.vocabularySize && a.fingerprint === b.fingerprint)
  if (same) return Math.min(a.vocabularySize, target.config.vocabularySize, draft.config.vocabularySize)
  let id = 0
  while (a.idToToken(id) === b.idToToken(id) && id < Math.max(a.vocabularySize, b.vocabularySize)) id++
  const [targetPiece, draftPiece] = [a, b].map((tokenizer) => quoted(tokenizer.idToToken(id)))
  throw new OutriderError(
    'VOCABULARY_MISMATCH',
    `The draft's vocabulary is not the target's: ${sizes(draft)} against ${sizes(target)}; ` +
      `the first difference is token ${id}, ${draftPiece} in the draft and ${targetPiece} in the target.`,
    {
      remedy: 'Use a draft that was made for this target, or make one with createDraft(target, …).',
      details: { targetSize: a.vocabularySize, draftSize: b.vocabularySize, token: id, targetPiece, draftPiece },
    },
  )
}

const quoted = (piece: string | undefined) => (piece === undefined ? 'missing' : JSON.stringify(piece))

const sizes = ({ tokenizer: { vocabularySize }, config, source }: WithVocabulary) =>
  [
    `${vocabularySize} tokens`,
    config.vocabularySize !== vocabularySize && ` (padded to ${config.vocabularySize})`,
    source && ` in ${source}`,
  ]
    .filter(Boolean)
    .join('')
