import type { GgufValue } from '../../files/gguf/value'
import type { NamedSpecialTokens } from '../special-tokens'
import { endsByTextOf, endsOfFilledCode } from './known-by-text'
import { quoted, unsupported } from './written-tokenizer'

/** What is asked of a tokenizer here. */
export interface EncodesText {
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[]
  tokenToId(piece: string): number | undefined
  readonly named: NamedSpecialTokens
}

/** The rest of what the special tokens depend on. */
export interface SpecialTokensOptions {
  /** Pieces by id, as they are written. */
  pieces: readonly string[]
  /** Whether no text becomes the id. */
  isUnused: (id: number) => boolean
  /** Ids that end an answer. */
  ends: readonly number[]
  /** The id that begins a text by config.json, where the tokenizer names none. */
  configBos?: number | undefined
  template?: string | undefined
  /** Ids that llama.cpp takes for begin and end of a text where a file names none. */
  defaults: { bos: number; eos: number }
  /** Takes what llama.cpp does otherwise, where most texts are the same. */
  differences: string[]
  /** Takes what llama.cpp does otherwise with any file of such a model. */
  remarks: string[]
}

/**
 * The ids of special tokens, and which of them frame a text. llama.cpp has one begin token and one end token, which it frames
 * texts with and gives to chat templates; two ids more can end an answer, besides those that it knows by their text.
 *
 * @throws OutriderError UNSUPPORTED for more or others than these
 */
export function specialTokenMetadata(
  tokenizer: EncodesText,
  { pieces, isUnused, ends, configBos, template, defaults, differences, remarks }: SpecialTokensOptions,
): [key: string, value: GgufValue][] {
  const { before, after } = frameOf(tokenizer)
  const idOf = (piece: string | undefined) => {
    const id = piece === undefined ? undefined : tokenizer.tokenToId(piece)
    return id !== undefined && id < pieces.length ? id : undefined
  }
  const { bos_token, eos_token, unk_token, pad_token } = tokenizer.named
  const named = { bos: idOf(bos_token), eos: idOf(eos_token) }
  if (before.length > 1 || after.length > 1)
    throw unsupported(
      `it puts ${before.length + after.length} tokens around a text (${[...before, ...after].map((id) => quoted(pieces[id] ?? '')).join(', ')}); llama.cpp puts one before and one after it`,
    )

  const bos = before[0] ?? named.bos ?? configBos
  const known = endsByTextOf(new Set(pieces))
  const isKnown = (id: number) => known.has(pieces[id] ?? '')
  const namedEnds = named.eos !== undefined && (ends.includes(named.eos) || isKnown(named.eos)) ? named.eos : undefined
  const eos = after[0] ?? namedEnds ?? ends[0] ?? pieces.findIndex((_, id) => isUnused(id))
  const others = ends.filter((id) => id !== eos && id < pieces.length)
  const unknown = others.filter((id) => !isKnown(id))
  if (eos < 0 && defaults.eos < pieces.length)
    throw unsupported(
      `no token ends its answers, and where a file names none, llama.cpp ends them at token ${defaults.eos} (${quoted(pieces[defaults.eos]!)})`,
    )
  if (after.length > 0 && !ends.includes(eos) && !isKnown(eos))
    differences.push(
      `${quoted(pieces[eos]!)} ends its texts and none of its answers; llama.cpp ends answers there, too`,
    )
  if (unknown.length > 2)
    throw unsupported(
      `${1 + unknown.length} tokens end its answers, of which llama.cpp can be told three: ${[eos, ...unknown].map((id) => quoted(pieces[id]!)).join(', ')}`,
    )
  const [eot = others.find(isKnown), eom] = unknown
  const unasked = pieces.filter(
    (piece, id) => (known.has(piece) || endsOfFilledCode.has(piece)) && id !== eos && !ends.includes(id),
  )
  if (unasked.length > 0)
    remarks.push(`it ends answers at ${unasked.map(quoted).join(', ')}, too, which it knows by their text`)

  checkTemplate(template, tokenizer.named, {
    bos_token: pieces[bos ?? defaults.bos],
    eos_token: pieces[eos < 0 ? defaults.eos : eos],
    differences,
  })
  const ids = { bos, eos: eos < 0 ? undefined : eos, eot, eom, unknown: idOf(unk_token), padding: idOf(pad_token) }
  return [
    ...Object.entries(ids).flatMap(([key, value]): [string, GgufValue][] =>
      value === undefined ? [] : [[`${key}_token_id`, { type: 'u32', value }]],
    ),
    ['add_bos_token', { type: 'bool', value: before.length > 0 }],
    ['add_eos_token', { type: 'bool', value: after.length > 0 }],
  ]
}

/** What the tokenizer puts before and after a text. */
function frameOf(tokenizer: EncodesText): { before: number[]; after: number[] } {
  const bare = tokenizer.encode('a', { addSpecialTokens: false })
  const framed = tokenizer.encode('a')
  const at = framed.findIndex((_, i) => bare.every((id, j) => framed[i + j] === id))
  if (at < 0 || bare.length === 0) throw unsupported('it changes a text that special tokens are added to')
  return { before: framed.slice(0, at), after: framed.slice(at + bare.length) }
}

/** To templates llama.cpp gives the text of the begin token and the end token, whatever they are; others it does not have. */
function checkTemplate(
  template: string | undefined,
  named: NamedSpecialTokens,
  { differences, ...given }: { bos_token: string | undefined; eos_token: string | undefined; differences: string[] },
): void {
  const names = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const
  for (const name of new Set([...names, ...Object.keys(named)])) {
    const theirs = name === 'bos_token' || name === 'eos_token' ? given[name] : undefined
    if (theirs === named[name] || !template || !new RegExp(`\\b${name}\\b`).test(template)) continue
    const said = (piece: string | undefined) => (piece === undefined ? 'none' : quoted(piece))
    differences.push(`its chat template writes ${name}, which is ${said(named[name])}; llama.cpp has ${said(theirs)}`)
  }
}
