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
 * the highest score, whichever two they are; so every way to cut a piece in two must be a merge, and the merges that make one
 * piece must follow one another.
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
  const known = new Map(pieces.map((piece, id) => [piece, id]))
  for (let byte = 0; byte < 256; byte++) {
    const piece = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    if (!known.has(piece)) throw unsupported(`it has no token ${piece}, and llama.cpp needs one for every byte`)
  }
  checkDecoder(stepsOf(json.decoder))
  const spacePrefix = readSpacePrefix(json, differences)
  return { scores: scoresOf(json, pieces, known), spacePrefix }
}

/** Whether a text gets a space before it. */
function readSpacePrefix(json: TokenizerJson, differences: string[]): boolean {
  let [prepended, replaced] = [false, false]
  for (const step of stepsOf(json.normalizer)) {
    if (step.type === 'Prepend' && step.prepend === '▁' && !prepended && !replaced) prepended = true
    else if (isSpaceToMark(step)) replaced = true
    else throw unsupported(`llama.cpp has no place for its normalizer ${described(step)}`)
  }
  const before = stepsOf(json.pre_tokenizer)
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

function scoresOf(json: TokenizerJson, pieces: readonly string[], known: ReadonlyMap<string, number>): number[] {
  const merges = mergesOf(json)
  const order = new Map<string, number>()
  const pairs = new Set<string>()
  let last: string | undefined
  for (const [left, right] of merges) {
    const piece = left + right
    pairs.add(`${left} ${right}`)
    if (piece === last) continue
    if (order.has(piece))
      throw unsupported(
        `its merges for ${quoted(piece)} are apart: llama.cpp has one rank for a piece, whichever two parts it is made of`,
      )
    order.set(piece, order.size)
    last = piece
  }
  // Added tokens are cut out of a text before anything is joined.
  const added = new Set((json.added_tokens ?? []).map(({ content }) => content))
  for (const piece of pieces) {
    if (added.has(piece)) continue
    const characters = [...piece]
    for (let cut = 1; cut < characters.length; cut++) {
      const [left, right] = [characters.slice(0, cut).join(''), characters.slice(cut).join('')]
      const isThere = (part: string, length: number) => length === 1 || known.has(part)
      if (isThere(left, cut) && isThere(right, characters.length - cut) && !pairs.has(`${left} ${right}`))
        throw unsupported(`llama.cpp would join ${quoted(left)} and ${quoted(right)}, for which it has no merge`)
    }
  }
  return pieces.map((piece) => -(order.get(piece) ?? order.size))
}

/** A step with what it does, for people: Replace(" " → "▁"). */
export function described(step: Step): string {
  if (step.type === 'Replace')
    return `Replace (${quoted(step.pattern?.String ?? step.pattern?.Regex ?? '')} by ${quoted(step.content ?? '')})`
  if (step.type === 'Prepend') return `Prepend (${quoted(step.prepend ?? '')})`
  return String(step.type)
}
