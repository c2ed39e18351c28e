import { describe, expect, test } from 'vitest'
import { WordWrap } from './word-wrap'

/** A terminal of so many columns that wraps by itself; styles are written <like this>. */
function screen(columns: number) {
  const lines = ['']
  let column = 0
  const put = (character: string) => {
    if (column === columns) {
      lines.push('')
      column = 0
    }
    const line = lines.at(-1)!
    lines[lines.length - 1] = line.slice(0, column).padEnd(column) + character + line.slice(column + 1)
    column++
  }
  const write = (text: string) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every sequence
    for (const [part, count] of text.matchAll(/\x1b\[(\d*)[CK]|./gsu))
      if (part === '\r') column = 0
      else if (part.endsWith('C') && part.length > 1) column += Number(count)
      else if (part === '\x1b[K') lines[lines.length - 1] = lines.at(-1)!.slice(0, column)
      else if (part === '\n') {
        lines.push('')
        column = 0
      } else put(part)
  }
  return { lines, write }
}

function wrapped(pieces: string[], columns = 12): string[] {
  const { lines, write } = screen(columns)
  const wrap = new WordWrap(write, () => columns)
  for (const piece of pieces) wrap.write(piece)
  return lines.map((line) => line.trimEnd())
}

describe('text that is wrapped as it comes', () => {
  test('breaks between words, however the words come in pieces', () => {
    const text = 'In the morning Bruno went to the market with his fox.'
    const expected = ['In the', 'morning', 'Bruno went', 'to the', 'market with', 'his fox.']
    expect(wrapped([text])).toEqual(expected)
    expect(wrapped([...text])).toEqual(expected)
    for (let size = 2; size < 9; size++)
      expect(wrapped(text.match(new RegExp(`.{1,${size}}`, 'g'))!), `pieces of ${size}`).toEqual(expected)
  })

  test('may fill a line to its last column', () => {
    for (const pieces of [['abcdef ghijk lmno'], [...'abcdef ghijk lmno']])
      expect(wrapped(pieces)).toEqual(['abcdef ghijk', 'lmno'])
  })

  test('keeps its own line ends and blanks', () => {
    expect(wrapped(['a\n\n  b', '\nc'])).toEqual(['a', '', '  b', 'c'])
  })

  test('leaves a word to the terminal that is longer than a line, and what has no known width', () => {
    expect(wrapped(['abcdefghijklmnopq rst\nuv wx'])).toEqual(['abcdefghijkl', 'mnopq rst', 'uv wx'])
    expect(wrapped(['日本 は'])).toEqual(['日本 は'])
  })

  test('keeps the style of each piece of a word that is moved', () => {
    const written: string[] = []
    const wrap = new WordWrap(
      (text) => written.push(text),
      () => 8,
    )
    wrap.write('abcd ')
    wrap.write('ef', (text) => `<${text}>`)
    wrap.write('gh', (text) => `{${text}}`)
    expect(written).toEqual(['abcd', ' ', '<ef>', '\r\x1b[5C\x1b[K', '\n<ef>', '{gh}'])
    expect(wrap.lineOpen).toBe(true)
    wrap.write('\n')
    expect(wrap.lineOpen).toBe(false)
  })
})
