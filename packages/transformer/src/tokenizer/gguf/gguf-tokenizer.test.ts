import { uniform01 } from '@outrider/tensor'
import { conformanceCases, testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { openGguf } from '../../files/gguf/read'
import { directory } from '../../files/index'
import { ggufTokenizer } from './from-gguf'

const folder = testData('vocabularies')

const vocabularies = ['llama-spm', 'phi-3', 'gpt-2', 'falcon'] as const

/** Where characters are drawn from: letters, marks, spaces and line ends, scripts, symbols outside the first plane. */
const ranges = [
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x09, 0x0a], // Falcon has no piece for the vertical tab
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x400, 0x4ff],
  [0x5d0, 0x6ff],
  [0x2000, 0x206f],
  [0x3040, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xe000, 0xfffd],
  [0x1f300, 0x1faff],
  [0x20000, 0x7fffd], // Falcon has no piece for the bytes that begin what comes after
] as const

/** A text of any characters, runs of one range and of one character among them. */
function anyText(seed: number): string {
  let draws = 0
  const random = (below: number) => Math.floor(uniform01(seed, draws++) * below)
  let text = ''
  for (let run = random(6); run >= 0; run--) {
    const [low, high] = ranges[random(ranges.length)]!
    for (let i = random(12); i >= 0; i--)
      text += String.fromCodePoint(low + random(high - low + 1)).repeat(random(5) === 0 ? random(4) : 1)
  }
  return text
}

describe('the tokenizer of a GGUF file', () => {
  it.each(vocabularies)('gives back any text that it is given: %s', async (name) => {
    const { tokenizer } = ggufTokenizer(await openGguf(directory(folder), `${name}.gguf`))
    for (let seed = 0; seed < 500; seed++) {
      const text = anyText(seed)
      const ids = tokenizer.encode(text, { addSpecialTokens: false })
      expect([seed, tokenizer.decode(ids)]).toEqual([seed, text])
      const stream = tokenizer.stream()
      const pieces = ids.map((id) => stream.push(id))
      // Half a character never comes out: encodeURIComponent throws for one.
      for (const piece of pieces) expect(() => encodeURIComponent(piece)).not.toThrow()
      expect([seed, pieces.join('') + stream.end()]).toEqual([seed, text])
    }
  })

  it.each(vocabularies)('gives the ids of llama.cpp for all of its conformance texts: %s', async (name) => {
    const { tokenizer } = ggufTokenizer(await openGguf(directory(folder), `${name}.gguf`))
    const cases = conformanceCases(name)
    expect(cases.length).toBeGreaterThan(40)
    const wrong = cases
      .map(({ text, ids }) => ({ text, ids, found: tokenizer.encode(text, { addSpecialTokens: false }) }))
      .filter(({ ids, found }) => ids.join() !== found.join())
    expect(wrong).toEqual([])
  })
})
