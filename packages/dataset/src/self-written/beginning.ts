import { endsOfText } from '@outrider/transformer'
import type { Speaker } from '../tokenize/example'

/** Where a target writes on by itself, and what ends what it writes. */
export interface Beginning {
  /** The text before what is written, with its special tokens written out; of a text without any, the tokens are `begin` alone. */
  prefix: string
  begin: readonly number[]
  /** Any mark ends it: what is written is text. */
  endIds: readonly number[]
  stop: readonly string[]
}

/**
 * The user's turn of a chat, before anything is said in it: a chat model goes on as users of its training did (Xu et al. 2024,
 * Magpie, arXiv 2406.08464). Undefined for a model without a chat template.
 */
export function emptyUserTurn(speaker: Speaker): Beginning | undefined {
  const { chatTemplate, tokenizer } = speaker
  if (!chatTemplate) return undefined
  const asked = chatTemplate.render([{ role: 'user', content: place }], { addGenerationPrompt: true })
  const [before = '', after = ''] = asked.split(place)
  const stop = after.trim()
  const [first] = tokenizer.encode(stop, { addSpecialTokens: false })
  const isMark = first !== undefined && marksOf(speaker).includes(first)
  return {
    // A space at the end is the first word's.
    prefix: before.replace(/ +$/, ''),
    begin: [],
    endIds: marksOf(speaker),
    stop: stop === '' || isMark ? [] : [stop],
  }
}

/** A sign of no script, that no template changes. */
const place = '\uF8FF'

/**
 * The beginning of a text: what the tokenizer puts before every text; or else the mark between the documents of pretraining, where
 * the tokenizer has it under its usual name; or else the begin or the first end token.
 */
export function beginningOfText(speaker: Speaker): Beginning {
  const { tokenizer, generationConfig } = speaker
  const ends = endsOfText(speaker)
  const written = tokenizer.encode('').filter((id) => !ends.includes(id) || id === generationConfig.bosTokenId)
  const [mark] = [tokenizer.specialTokens.get('<|endoftext|>'), generationConfig.bosTokenId, ends[0]].filter(
    (id) => id !== undefined,
  )
  const begin = written.length > 0 || mark === undefined ? written : [mark]
  return { prefix: '', begin, endIds: [...new Set([...marksOf(speaker), ...begin])], stop: [] }
}

const marksOf = (speaker: Speaker): number[] => [
  ...new Set([...endsOfText(speaker), ...speaker.tokenizer.specialTokens.values()]),
]
