import { describe, expect, test } from 'vitest'
import { Curve, sparkline } from './curve'
import { colours, Progress, printable, table, wantsColour, width } from './index'
import { paragraph } from './paragraph'

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

/** What a terminal shows after these writes, line by line. */
function screenOf(written: readonly string[]): string[] {
  const lines = ['']
  let row = 0
  let column = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every sequence
  for (const [part] of written.join('').matchAll(/\x1b\[(?:2K|1A)|\r|\n|[^\x1b\r\n]+/g)) {
    if (part === '\r') column = 0
    else if (part === '\n') [row, column] = [row + 1, 0]
    else if (part === '\x1b[1A') row--
    else if (part === '\x1b[2K') lines[row] = ''
    else {
      lines[row] = (lines[row] ?? '').slice(0, column).padEnd(column) + part
      column += part.length
    }
    lines[row] ??= ''
  }
  return lines
}

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

  test('goes by how fast it went lately, and in the end by all of it', () => {
    const { now, pass } = clock()
    const { stream } = sink(true)
    const progress = new Progress(stream, { label: 'distill', total: 100, unit: 'steps', now })
    for (let step = 1; step <= 70; step++) {
      pass(step <= 10 ? 60 : 2)
      progress.update(step)
    }
    expect(progress.line()).toBe('distill  70/100 steps  3.9 s/step  1m 56s left') // of the dear steps the last two
    for (let step = 71; step <= 99; step++) {
      pass(30)
      progress.update(step)
    }
    expect(progress.line()).toBe('distill  99/100 steps  30.0 s/step  30 s left')
    progress.finish()
    expect(progress.line()).toBe('distill  99/100 steps  16.1 s/step  26m 30s in all')
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

  test('has a curve under the line, both redrawn in place and both left at the end', () => {
    const { now, pass } = clock()
    const { stream, written } = sink(true)
    const progress = new Progress(stream, { label: 'pretrain', total: 4, unit: 'steps', curve: 'loss', now })
    for (const [i, loss] of [6, 4, 3, 2].entries()) {
      pass(1)
      progress.update(i + 1, `loss ${loss}`, loss)
    }
    progress.finish()
    progress.update(5, 'too late', 1)
    expect(screenOf(written)).toEqual([
      'pretrain  4/4 steps  1.0 steps/s  4.0 s in all  loss 2',
      'loss 6.00 █▅▃▁ 2.00',
      '',
    ])
  })

  test('stays within the columns of the terminal: the label gives way first', () => {
    const { now, pass } = clock()
    const { stream, written } = sink(true)
    const label = 'download model-00001-of-00042-with-a-long-name.safetensors'
    const progress = new Progress(stream, { label, total: 100_000, unit: 'steps', curve: 'α', now })
    for (let i = 1; i <= 2000; i++) {
      pass(1)
      progress.update(i, 'loss 0.123, α 0.712', i / 2000)
    }
    const lines = screenOf(written)
    for (const line of lines) expect(line.length).toBeLessThan(80)
    expect(lines[0]).toMatch(/^download mo.*… {2}2000\/100000 steps .*left {2}loss 0.123, α 0.712$/)
    expect(lines[1]).toMatch(/^α 0\.0\d ▁+▂+▃+▄+▅+▆+▇+█+ 0\.9\d$/)
  })

  test('lets lines pass above it', () => {
    const { now, pass } = clock()
    const { stream, written } = sink(true)
    const progress = new Progress(stream, { label: 'work', total: 3, unit: 'rows', curve: 'loss', now })
    for (const value of [1, 2]) {
      pass(1)
      progress.update(value, '', value)
    }
    progress.above('held out: 1.5\n')
    pass(1)
    progress.update(3, '', 3)
    expect(screenOf(written)).toEqual([
      'held out: 1.5',
      'work  3/3 rows  1.0 rows/s  3.0 s in all',
      'loss 1.00 ▁▅█ 3.00',
    ])
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

describe('a curve', () => {
  test('shows the least to the greatest, and a level one in the middle', () => {
    expect(sparkline([1, 2, 3, 8])).toBe('▁▂▃█')
    expect(sparkline([2, 2, 2])).toBe('▄▄▄')
  })

  test('keeps its shape however many values there are', () => {
    const curve = new Curve('x')
    for (let i = 0; i < 100_000; i++) curve.add(i)
    curve.add(Number.NaN)
    const line = curve.line(60)
    expect(line.length).toBeLessThanOrEqual(60)
    expect(line).toMatch(/^x \d+\.\d\d ▁+▂+▃+▄+▅+▆+▇+█+ 9\d{4}\.\d\d$/)
  })

  test('is nothing before there are two values, or where there is no room', () => {
    const curve = new Curve('loss')
    curve.add(1)
    expect(curve.line(80)).toBe('')
    curve.add(2)
    expect(curve.line(80)).toBe('loss 1.00 ▁█ 2.00')
    expect(curve.line(12)).toBe('')
  })
})

test('what a model says cannot steer the terminal', () => {
  expect(printable('a\x1b[2Jb\x07\r\nc\td\u009b1m')).toBe('a�[2Jb�\nc\td�1m')
})
