import { kinds } from './kinds'
import { endTexts, fillIn, messageEnd, shown, takenBack, turnEnds } from './known-by-text'

/** Tokens that mean something to the engine, by id. */
export interface SpecialIds {
  /** Put before a text where that is asked for. */
  bos?: number
  /** Put after it. */
  eos?: number
  /** Of the tokens that templates ask for by name (bos_token, eos_token, …), those that are marks. */
  marks: Readonly<Record<string, number>>
  /** Where an answer ends: `eos` first, then the end of a turn and of a message, then the others by id. */
  ends: readonly number[]
}

interface Given {
  /** Pieces by their text, all of them. */
  ids: ReadonlyMap<string, number>
  kinds: readonly number[]
  model: 'llama' | 'gpt2'
  hasNoBegin: boolean
  /** The id that `tokenizer.ggml.KEY_token_id` names. */
  keyed: (key: string) => number | undefined
}

/** What llama.cpp takes where the file names none: SentencePiece's, Falcon's. */
export const defaultIds: Readonly<Record<Given['model'], { bos: number; eos: number; unknown?: number }>> = {
  llama: { bos: 1, eos: 2, unknown: 0 },
  gpt2: { bos: 11, eos: 11 },
}

/** Keys of `tokenizer.ggml.*_token_id` that name tokens. */
export const specialKeys: readonly string[] = [
  ...['bos', 'eos', 'eot', 'eom', 'unknown', 'seperator', 'padding', 'mask'],
  ...Object.entries(fillIn).flatMap(([key, { older }]) => (older ? [key, older] : [key])),
]

/**
 * The special tokens of a vocabulary as llama.cpp (v0.5.0, `llama_vocab::impl::load`) has them: by key, else by default, else
 * by text; and the kinds of pieces, of which some change by their text. Where several texts would do for a mark of code to fill
 * in, llama.cpp takes any, and here it is the first of the list.
 */
export function specialIds({ ids, kinds: stored, model, hasNoBegin, keyed }: Given): {
  special: SpecialIds
  kinds: number[]
} {
  const kindOf = stored.slice(0, ids.size)
  const named = (key: string, fallback?: number) => {
    const id = keyed(key)
    return [id, fallback].find((candidate) => candidate !== undefined && candidate < ids.size)
  }
  /** The first text that is a piece, which is a mark from now on. */
  const byText = (texts: readonly string[]) => {
    const id = ids.get(texts.find((text) => ids.has(text)) ?? '')
    if (id !== undefined) kindOf[id] = kinds.control
    return id
  }
  const preset: Readonly<Record<string, number>> = defaultIds[model]
  const bos = named('bos', hasNoBegin ? undefined : preset.bos)
  const eos = named('eos', preset.eos)
  const eot = named('eot') ?? byText(turnEnds)
  const eom = named('eom') ?? byText([messageEnd])
  const found = new Set<number>()
  for (const [key, { older, texts, ends: isEnd }] of Object.entries(fillIn)) {
    const id = (older === undefined ? undefined : named(older)) ?? named(key) ?? byText(texts)
    if (isEnd && id !== undefined) found.add(id)
  }
  for (const text of endTexts) {
    const id = byText([text])
    if (id !== undefined) found.add(id)
  }
  for (const text of shown) if (ids.has(text)) kindOf[ids.get(text)!] = kinds.userDefined
  for (const id of [eos, eot, eom]) if (id !== undefined) found.add(id)

  for (const text of takenBack((text) => found.has(ids.get(text) ?? -1))) {
    const id = ids.get(text)!
    found.delete(id)
    kindOf[id] = text === '</s>' ? kinds.normal : kinds.userDefined
  }

  const first = [eos, eot, eom].filter((id) => id !== undefined && found.has(id)) as number[]
  const others = [...found].sort((a, b) => a - b)
  const marks: Record<string, number> = {}
  const keys = { bos_token: 'bos', eos_token: 'eos', unk_token: 'unknown', pad_token: 'padding', mask_token: 'mask' }
  for (const [name, key] of Object.entries({ ...keys, sep_token: 'seperator' })) {
    const id = named(key, key === 'bos' ? bos : preset[key])
    // A default that is a piece like any other is no mark of this vocabulary.
    if (id !== undefined && (keyed(key) === id || kindOf[id] === kinds.control || kindOf[id] === kinds.unknown))
      marks[name] = id
  }
  return {
    special: {
      ...(bos !== undefined && { bos }),
      ...(eos !== undefined && { eos }),
      marks,
      ends: [...new Set([...first, ...others])],
    },
    kinds: kindOf,
  }
}
