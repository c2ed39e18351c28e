import { OutriderError } from '@outrider/tensor'
import { beyondTokenizerLimit } from '../counted-reg-exp'
import { addedTokens, idsByPiece, postProcessor } from './framing'
import { kinds } from './kinds'
import type { GgufVocabulary } from './vocabulary'

/** The tokenizer.json of a vocabulary of SentencePiece's kind. */
export function sentencePieceJson(vocabulary: GgufVocabulary): Record<string, unknown> {
  const space = vocabulary.flag('add_space_prefix', true)
  const { marks } = vocabulary.special
  const unknown = marks.unk_token ?? vocabulary.kinds.indexOf(kinds.unknown)
  return {
    version: '1.0',
    added_tokens: addedTokens(vocabulary),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(space ? [{ type: 'Prepend', prepend: '▁' }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: postProcessor(vocabulary, true),
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
      unk_token: vocabulary.pieces[unknown] ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: idsByPiece(vocabulary),
      merges: mergesByScore(vocabulary),
    },
  }
}

const maxPieceCharacters = 1000

/**
 * SentencePiece joins the two neighbours whose piece has the highest score, whichever two they are: every way to make a piece
 * of two others is a merge, the best piece's first. llama.cpp asks no piece for its kind there.
 */
function mergesByScore(vocabulary: GgufVocabulary): [string, string][] {
  const { pieces, where } = vocabulary
  const scores = vocabulary.list('scores', 'number')
  if (scores && scores.length < pieces.length) throw vocabulary.broken('scores is not as long as tokens')
  const known = new Set(pieces)
  const merges: { left: string; right: string; score: number; order: number }[] = []
  for (const [id, piece] of pieces.entries()) {
    // Every cut copies the piece. SentencePiece makes none longer than 16 characters unless it is told to.
    if (piece.length > maxPieceCharacters)
      throw beyondTokenizerLimit(`${where} has a piece of ${piece.length} characters, more than ${maxPieceCharacters}`)
    const characters = [...piece]
    for (let cut = 1; cut < characters.length; cut++) {
      const [left, right] = [characters.slice(0, cut).join(''), characters.slice(cut).join('')]
      if (known.has(left) && known.has(right))
        merges.push({ left, right, score: scores?.[id] ?? 0, order: merges.length })
    }
  }
  const joined = new Set(merges.map(({ left, right }) => left + right))
  if (joined.size > 1 && merges.every(({ score }) => score === merges[0]!.score)) throw withoutOrder(where)
  merges.sort((a, b) => b.score - a.score || a.order - b.order)
  return merges.map(({ left, right }) => [left, right])
}

/** llama.cpp joins from the left then; a tokenizer.json has no way to say it. */
const withoutOrder = (where: string) =>
  new OutriderError(
    'UNSUPPORTED',
    `${where}: its pieces have no scores (tokenizer.ggml.scores), or all the same, which is not supported.`,
    { remedy: 'Convert the model again with the tokenizer.model that it came with.', details: { file: where } },
  )
