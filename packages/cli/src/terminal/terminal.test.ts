import { describe, expect, test } from 'vitest'
import { bytes, colours, count, duration, fixed, Progress, rate, table, wantsColour, width } from './index'
import { paragraph } from './paragraph'

describe('numbers', () => {
  test('durations', () => {
    expect([0.42, 9.96, 61, 3725].map(duration)).toEqual(['0.4 s', '10 s', '1m 01s', '1h 02m'])
  })
  test('counts and bytes', () => {
    expect([12, 1234, 115_000_000].map(count)).toEqual(['12', '1.2K', '115M'])
    expect([512, 2048, 3 << 20].map(bytes)).toEqual(['512 B', '2.0 KiB', '3.0 MiB'])
  })
  test('a rate below one a second is told as seconds for one', () => {
    expect(rate(3.21, 'steps')).toBe('3.2 steps/s')
    expect(rate(0.25, 'steps')).toBe('4.0 s/step')
    expect(rate(0, 'steps')).toBe('')
  })
  test('what was not measured is a dash', () => {
    expect([1.005, null, undefined, Number.NaN].map((x) => fixed(x, 1))).toEqual(['1.0', '–', '–', '–'])
  })
})

describe('colours', () => {
  test('NO_COLOR, a pipe and a dumb terminal turn them off', () => {
    expect(wantsColour({ isTTY: true }, {})).toBe(true)
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false)
    expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false)
    expect(wantsColour({}, {})).toBe(false)
    expect(wantsColour({}, { FORCE_COLOR: '1' })).toBe(true)
  })
  test('off means unchanged text', () => {
    expect(colours(false).red('x')).toBe('x')
    expect(width(colours(true).red('x'))).toBe(1)
  })
})

test('a table aligns its columns', () => {
  expect(
    table(
      [{ title: 'loss' }, { title: 'τ', align: 'right' }],
      [
        ['kld', '2.10'],
        ['tvd++', '12.30'],
      ],
    ),
  ).toBe(['loss       τ', '────────────', 'kld     2.10', 'tvd++  12.30'].join('\n'))
})

describe('progress', () => {
  const clock = () => {
    let now = 0
    return { now: () => now, pass: (seconds: number) => (now += seconds * 1000) }
  }
  const sink = (isTTY: boolean) => {
    const written: string[] = []
    return { written, stream: { isTTY, columns: 80, write: (text: string) => written.push(text) } }
  }

  test('shows the rate and the time left, counting from where the run was taken up', () => {
    const { now, pass } = clock()
    const { stream } = sink(true)
    const progress = new Progress(stream, { label: 'pretrain', total: 100, unit: 'steps', start: 50, now })
    pass(10)
    progress.update(60, 'loss 1.5')
    expect(progress.line()).toBe('pretrain  60/100 steps  1.0 steps/s  40 s left  loss 1.5')
  })

  test('redraws one line on a terminal', () => {
    const { now, pass } = clock()
    const { stream, written } = sink(true)
    const progress = new Progress(stream, { label: 'work', total: 2, unit: 'rows', now })
    pass(1)
    progress.update(1)
    pass(1)
    progress.update(2)
    progress.finish()
    progress.finish()
    expect(written.filter((text) => text.startsWith('\r'))).toHaveLength(3)
    expect(written.at(-1)).toBe('\n')
  })

  test('elsewhere writes a plain line every ten seconds and one at the end', () => {
    const { now, pass } = clock()
    const { stream, written } = sink(false)
    const progress = new Progress(stream, { label: 'work', total: 30, unit: 'rows', now })
    for (let i = 1; i <= 25; i++) {
      pass(1)
      progress.update(i)
    }
    progress.finish()
    expect(written).toHaveLength(3)
    expect(written.join('')).not.toContain('\r')
  })
})

describe('paragraph', () => {
  test('breaks between words, and a word that is too long stands alone', () => {
    expect(paragraph('· one two three', 9, '  ').split('\n')).toEqual(['· one two', '  three'])
    expect(paragraph('a unbreakable b', 5).split('\n')).toEqual(['a', 'unbreakable', 'b'])
  })
})
