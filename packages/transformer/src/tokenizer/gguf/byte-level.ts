import { OutriderError } from '@outrider/tensor'
import { addedTokens, idsByPiece, postProcessor } from './framing'
import { preTokenizerOf } from './pre-tokenizers'
import type { GgufVocabulary } from './vocabulary'
import { refusedCuts, type WordCuts, wordCutsNamed } from './word-cuts'

/**
 * The tokenizer.json of a vocabulary of byte-level BPE.
 *
 * @throws OutriderError UNSUPPORTED for a way to cut words that is not known or not supported, by name
 */
export function byteLevelJson(vocabulary: GgufVocabulary): Record<string, unknown> {
  const { cuts, ignoresMerges = false, begins = false } = wordCutsOf(vocabulary)
  return {
    version: '1.0',
    added_tokens: addedTokens(vocabulary),
    normalizer: null,
    pre_tokenizer: preTokenizerOf(cuts),
    post_processor: postProcessor(vocabulary, begins),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoresMerges,
      vocab: idsByPiece(vocabulary),
      merges: mergesOf(vocabulary),
    },
  }
}

function wordCutsOf({ pre, where }: GgufVocabulary): WordCuts {
  const known = wordCutsNamed(pre)
  if (known) return known
  const why = refusedCuts[pre] ?? 'which is not known here'
  throw new OutriderError('UNSUPPORTED', `${where}: its tokenizer cuts words as ${JSON.stringify(pre)} does, ${why}.`, {
    remedy: 'Load the Hugging Face directory of the model, whose tokenizer.json says it in full.',
    details: { file: where, pre },
  })
}

/**
 * Pairs of pieces, of which the first count before the others; a pair that is there twice counts where it is first. Where a
 * pair makes no piece, llama.cpp falls back to single bytes, which a tokenizer.json has no way to say.
 */
function mergesOf(vocabulary: GgufVocabulary): [string, string][] {
  const merges = vocabulary.list('merges', 'string')
  if (!merges) throw vocabulary.broken('it has no merges')
  const pieces = new Set(vocabulary.pieces)
  return [...new Set(merges)].flatMap((merge): [string, string][] => {
    // The space that divides is the first after a character: a piece may begin with what looks like one.
    const at = merge.indexOf(' ', 1)
    if (at < 0) return []
    const [left, right] = [merge.slice(0, at), merge.slice(at + 1)]
    if (!pieces.has(left + right)) throw vocabulary.broken(`the merge ${JSON.stringify(merge)} makes no piece of it`)
    return [[left, right]]
  })
}
