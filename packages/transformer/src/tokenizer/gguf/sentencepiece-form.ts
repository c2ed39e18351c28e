import { mergedPiece, pairKey } from './merged-piece'
import { mergesOf, quoted, type Step, stepsOf, type TokenizerJson, unsupported } from './written-tokenizer'

/** What llama.cpp is told of a SentencePiece vocabulary. */
export interface SentencePieceForm {
  /** Of every piece: the higher, the earlier two neighbours become it. */
  scores: number[]
  /** Whether a space goes before the text, and before what follows a special token. */
  spacePrefix: boolean
}

/**
 * How llama.cpp makes of a text what a BPE with byte fallback makes of it. llama.cpp joins the two neighbours whose piece has
 * the highest score, whichever two they are and whether or not there is a merge for them.
 *
 * @param pieces         of every id
 * @param differences    takes what llama.cpp does otherwise, where most texts are the same
 * @throws OutriderError UNSUPPORTED for what llama.cpp does otherwise
 */
export function sentencePieceForm(
  json: TokenizerJson,
  pieces: readonly string[],
  differences: string[],
): SentencePieceForm {
  const { model = {} } = json
  if (model.ignore_merges)
    throw unsupported('it takes whole texts from its vocabulary before it merges (ignore_merges)')
  const known = new Set(pieces)
  for (let byte = 0; byte < 256; byte++) {
    const piece = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    if (!known.has(piece)) throw unsupported(`it has no token ${piece}, and llama.cpp needs one for every byte`)
  }
  checkDecoder(stepsOf(json.decoder))
  const spacePrefix = readSpacePrefix(json, differences)
  return { scores: scoresOf(json, pieces), spacePrefix }
}

/** Whether a text gets a space before it. */
function readSpacePrefix(json: TokenizerJson, differences: string[]): boolean {
  let [prepended, replaced] = [false, false]
  for (const step of stepsOf(json.normalizer)) {
    if (step.type === 'Prepend' && step.prepend === '▁' && !prepended && !replaced) prepended = true
    else if (isSpaceToMark(step)) replaced = true
    else throw unsupported(`llama.cpp has no place for its normalizer ${described(step)}`)
  }
  const before = stepsOf(json.pre_tokenizer).filter((step) => !(replaced && isAtSpace(step)))
  if (before.length === 0 && replaced) return prepended
  const [metaspace] = before
  if (before.length !== 1 || metaspace?.type !== 'Metaspace')
    throw unsupported(
      before.length === 0
        ? 'it does not write a space as ▁, as llama.cpp does'
        : `llama.cpp has no place for its pre-tokenizer ${before.map(described).join(', ')}`,
    )
  return readMetaspace(metaspace, { json, prepended, differences })
}

function readMetaspace(
  step: Step,
  { json, prepended, differences }: { json: TokenizerJson; prepended: boolean; differences: string[] },
): boolean {
  if ((step.replacement ?? '▁') !== '▁')
    throw unsupported(`it writes a space as ${quoted(step.replacement!)}, not as ▁`)
  const inner = (step.split ?? true) && mergesOf(json).find(([, right]) => right.startsWith('▁'))
  if (inner)
    throw unsupported(`its pre-tokenizer Metaspace cuts before every ▁, and llama.cpp joins ${quoted(inner.join(''))}`)
  const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always')
  if (scheme === 'never') return prepended
  if (prepended) throw unsupported('both its normalizer and its pre-tokenizer put ▁ before a text')
  if (scheme !== 'always' && scheme !== 'first')
    throw unsupported(`llama.cpp has no place for the prepend_scheme ${quoted(String(scheme))} of its Metaspace`)
  differences.push(
    `its pre-tokenizer Metaspace (prepend_scheme ${quoted(scheme)}) puts no ▁ before a text that begins with a space${
      scheme === 'first' ? ', nor after a special token' : ''
    }; llama.cpp does`,
  )
  return true
}

const isSpaceToMark = ({ type, pattern, content }: Step) =>
  type === 'Replace' && (pattern?.String ?? pattern?.Regex) === ' ' && content === '▁'

/** Cuts at spaces, of which the normalizer has left none: Gemma's. */
const isAtSpace = ({ type, pattern }: Step) => type === 'Split' && pattern?.String === ' '

/** llama.cpp writes ▁ as a space and bytes as bytes; a first space it leaves to the reader. */
function checkDecoder(steps: readonly Step[]): void {
  const kept = steps.filter((step) => step.type !== 'Fuse' && !isFirstSpace(step))
  const isReplaced = ({ type, pattern, content, replacement }: Step) =>
    (type === 'Replace' && pattern?.String === '▁' && content === ' ') ||
    (type === 'Metaspace' && (replacement ?? '▁') === '▁')
  const other = kept.find((step) => !isReplaced(step) && step.type !== 'ByteFallback')
  if (other) throw unsupported(`llama.cpp has no place for its decoder ${described(other)}`)
  if (!kept.some(isReplaced) || !kept.some(({ type }) => type === 'ByteFallback'))
    throw unsupported('its decoder does not write ▁ as a space and <0x0A> as a byte, as llama.cpp does')
}

const isFirstSpace = ({ type, content, start = 0, stop = 0 }: Step) =>
  type === 'Strip' && content === ' ' && start <= 1 && stop === 0

/**
 * The order in which pieces are made, negated. A piece's characters are joined in one order only, wherever they are, so a piece
 * is made by one merge, and the others that would make it never come to it. Where merging ends with two parts, no merge makes
 * the piece of them, and llama.cpp would.
 */
function scoresOf(json: TokenizerJson, pieces: readonly string[]): number[] {
  const merges = mergesOf(json)
  const ranks = new Map(merges.map(([left, right], rank) => [pairKey(left, right), rank]))
  // Added tokens are cut out of a text before anything is joined.
  const added = new Set((json.added_tokens ?? []).map(({ content }) => content))
  const madeBy = pieces.map((piece) => {
    if (added.has(piece)) return undefined
    const { parts, rank } = mergedPiece(piece, ranks)
    if (parts.length === 2)
      throw unsupported(`llama.cpp would join ${quoted(parts[0]!)} and ${quoted(parts[1]!)}, for which it has no merge`)
    return parts.length === 1 ? rank : undefined
  })
  const made = madeBy.filter((rank) => rank !== undefined).sort((a, b) => a - b)
  const orders = new Map(made.map((rank, order) => [rank, order]))
  return madeBy.map((rank) => -(rank === undefined ? made.length : orders.get(rank)!))
}

/** A step with what it does, for people: Replace(" " → "▁"). */
export function described(step: Step): string {
  if (step.type === 'Replace')
    return `Replace (${quoted(step.pattern?.String ?? step.pattern?.Regex ?? '')} by ${quoted(step.content ?? '')})`
  if (step.type === 'Prepend') return `Prepend (${quoted(step.prepend ?? '')})`
  return String(step.type)
}
