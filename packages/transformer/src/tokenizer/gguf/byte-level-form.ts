import { charOfByte } from '../byte-alphabet'
import { falconMarks, gpt2, llama3, qwen2 } from '../known-expressions'
import { mergedPiece, pairKey } from './merged-piece'
import { described } from './sentencepiece-form'
import { mergesOf, quoted, type Step, stepsOf, type TokenizerJson, unsupported } from './written-tokenizer'

/** What llama.cpp is told of a byte-level vocabulary. */
export interface ByteLevelForm {
  /** llama.cpp's name of the way in which it cuts words. */
  pre: string
  merges: string[]
}

/** A way of cutting words of llama.cpp: the expressions that cut, one after another. */
interface Way {
  cuts: readonly string[]
  /** Whether a word that is a piece is taken as it is, before anything is merged. */
  takesWholeWords?: boolean
}

/**
 * The ways whose ids were compared with llama.cpp's on texts of all planes of Unicode. Others are there, which stand in for
 * the expressions of their models with others that are nearly the same.
 */
const ways: Readonly<Record<string, Way>> = {
  'gpt-2': { cuts: [gpt2] },
  'llama-bpe': { cuts: [llama3], takesWholeWords: true },
  'smaug-bpe': { cuts: [llama3] },
  qwen2: { cuts: [qwen2] },
  smollm: { cuts: ['\\p{N}', gpt2] },
  falcon: { cuts: [falconMarks, gpt2, '[0-9][0-9][0-9]'] },
}

/**
 * How llama.cpp makes of a text what a byte-level BPE makes of it: by a way of cutting words that it knows by name, and the
 * merges in their order.
 *
 * @param differences    takes what llama.cpp does otherwise, where most texts are the same
 * @param remarks        takes what llama.cpp does otherwise with rare characters
 * @throws OutriderError UNSUPPORTED for what llama.cpp does otherwise
 */
export function byteLevelForm(json: TokenizerJson, differences: string[], remarks: string[] = []): ByteLevelForm {
  const steps = stepsOf(json.pre_tokenizer)
  const byteLevel = steps.find(({ type }) => type === 'ByteLevel')
  if (!byteLevel) throw unsupported('it is a BPE without tokens for bytes, neither byte-level nor with byte_fallback')
  for (const step of stepsOf(json.normalizer))
    if (['NFC', 'NFD', 'NFKC', 'NFKD'].includes(step.type!))
      differences.push(`llama.cpp does not bring a text into ${step.type} first, as its normalizer does`)
    else throw unsupported(`llama.cpp has no place for its normalizer ${described(step)}`)
  // As in the library, where it is absent it is true.
  if (byteLevel.add_prefix_space ?? true)
    differences.push('it puts a space before a text that begins with none (add_prefix_space); llama.cpp does not')
  const decoder = stepsOf(json.decoder)
  if (decoder.length !== 1 || decoder[0]!.type !== 'ByteLevel')
    throw unsupported(`llama.cpp has no place for its decoder ${decoder.map(described).join(', ') || 'none'}`)
  const unknown = json.model?.unk_token
  const vocab = json.model?.vocab ?? {}
  const missing = charOfByte.filter((char) => vocab[char] === undefined).length
  if (typeof unknown === 'string' && missing > 0)
    throw unsupported(`what it has no token for becomes ${quoted(unknown)} (unk_token); llama.cpp leaves it out`)
  if (missing > 0)
    remarks.push(`it leaves out ${missing} bytes that have no token without joining what is on their two sides`)
  const merges = mergesOf(json)
  const spaced = merges.find((sides) => sides.some((side) => side.includes(' ')))
  if (spaced) throw unsupported(`its merge ${JSON.stringify(spaced)} has a space within a part`)
  return { pre: nameOf(json, merges), merges: merges.map((sides) => sides.join(' ')) }
}

function nameOf(json: TokenizerJson, merges: readonly [string, string][]): string {
  const takesWholeWords = json.model?.ignore_merges === true && !isEveryPieceMerged(json, merges)
  // Where nothing is joined, it does not matter where words are cut.
  if (merges.length === 0 && !takesWholeWords) return 'gpt-2'
  const cuts = cutsOf(json.pre_tokenizer).join('\n')
  const same = Object.keys(ways).filter((name) => ways[name]!.cuts.join('\n') === cuts)
  if (same.length === 0) throw unsupported('it cuts words in a way that llama.cpp has no known name for')
  const name = same.find((each) => (ways[each]!.takesWholeWords ?? false) === takesWholeWords)
  if (name === undefined) throw unsupported('it takes whole words from its vocabulary before it merges (ignore_merges)')
  return name
}

/** The expressions that cut, one after another; a step that is another's in other words is written as that one. */
function cutsOf(preTokenizer: Step | null | undefined): string[] {
  return stepsOf(preTokenizer).flatMap((step, at, all) => {
    const { type, pattern, behavior, invert, individual_digits, use_regex } = step
    if (type === 'Split' && pattern?.Regex !== undefined) {
      if (behavior === 'Isolated' && !invert) return [pattern.Regex]
      // Of an expression that leaves nothing out, what it finds is all that there is.
      if (behavior === 'Removed' && invert && total.has(pattern.Regex)) return [pattern.Regex]
    }
    if (type === 'Digits' && individual_digits) return ['\\p{N}']
    // After it, characters stand for bytes, and an expression finds others.
    if (type === 'ByteLevel' && at === all.length - 1) return use_regex === false ? [] : [gpt2]
    throw unsupported(`llama.cpp has no place for its pre-tokenizer's step ${described(step)}`)
  })
}

const total: ReadonlySet<string> = new Set([gpt2, llama3, qwen2])

/** Whether merging makes every piece out of its own characters: then it is the same whether whole words are looked for first. */
function isEveryPieceMerged({ model, added_tokens }: TokenizerJson, merges: readonly [string, string][]): boolean {
  const ranks = new Map(merges.map(([left, right], rank) => [pairKey(left, right), rank]))
  const added = new Set((added_tokens ?? []).map(({ content }) => content))
  const pieces = Object.keys(model?.vocab ?? {})
  return pieces.every((piece) => added.has(piece) || mergedPiece(piece, ranks).parts.length === 1)
}
