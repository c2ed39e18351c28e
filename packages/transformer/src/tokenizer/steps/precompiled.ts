import type { StepFields } from './step'

/**
 * SentencePiece's table of replacements (`precompiled_charsmap`, base64): a double-array trie over UTF-8 (the layout of
 * darts-clone), and the replacements, each ended by a zero byte. What a user sees as one character is replaced as a whole
 * where it is short, else code point by code point, as the Rust library does it.
 *
 * @throws OutriderError FILE_FORMAT for a table that is none
 */
export function precompiled(step: StepFields): (text: string) => string {
  const table = tableOf(step)
  const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
  return (text) => {
    let normal = ''
    for (const { segment } of graphemes.segment(text)) {
      const bytes = utf8.encode(segment)
      const whole = bytes.length < 6 ? table.replace(bytes) : undefined
      if (whole !== undefined) normal += whole
      else for (const character of segment) normal += table.replace(utf8.encode(character)) ?? character
    }
    return normal
  }
}

const utf8 = new TextEncoder()

function tableOf(step: StepFields): CharacterTable {
  const damaged = () => step.wrong('precompiled_charsmap', 'a table of replacements in base64')
  let bytes: Uint8Array
  try {
    bytes = Uint8Array.from(atob(step.text('precompiled_charsmap')), (character) => character.charCodeAt(0))
  } catch {
    throw damaged()
  }
  const view = new DataView(bytes.buffer)
  const trieBytes = bytes.length < 8 ? 0 : view.getUint32(0, true)
  if (trieBytes < 4 || trieBytes % 4 !== 0 || trieBytes > bytes.length - 4) throw damaged()
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true))
  return new CharacterTable(units, bytes.subarray(4 + trieBytes))
}

class CharacterTable {
  readonly #units: Uint32Array
  readonly #replacements: Uint8Array
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(units: Uint32Array, replacements: Uint8Array) {
    this.#units = units
    this.#replacements = replacements
  }

  /** What stands for a text by the first key that it begins with; undefined where it begins with none. */
  replace(bytes: Uint8Array): string | undefined {
    const units = this.#units
    let place = offsetOf(units[0]!)
    for (const byte of bytes) {
      if (byte === 0) return undefined
      place ^= byte
      const unit = units[place]
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined
      place ^= offsetOf(unit)
      if ((unit >>> 8) & 1) return this.#textAt((units[place] ?? 0) & 0x7fffffff)
    }
    return undefined
  }

  #textAt(start: number): string {
    const end = this.#replacements.indexOf(0, start)
    return this.#decoder.decode(this.#replacements.subarray(start, end < 0 ? undefined : end))
  }
}

const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)
