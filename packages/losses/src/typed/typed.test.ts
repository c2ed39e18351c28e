import { OutriderError } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { lossByName, lossNames } from '../builtin/by-name'
import { evaluate } from '../evaluate.fixture'
import { logitsOf } from '../testing/position'
import { parseRowLoss } from './parse-row-loss'
import type { TypedLossProblem } from './place'
import { rowLossFromText } from './row-loss-from-text'
import { rowLossText } from './row-loss-text'

const hellinger = `// The squared Hellinger distance.
name = hellinger
sum affinity =
  sqrt(p * q)      // the Bhattacharyya coefficient

value = 1.0
  - affinity
weightedMass = -0.5 * sqrt(p * q)
statistic overlap = alpha
`

/** Every problem of a text, and the code of the error that reports them. */
const refusal = (text: string) => refused(() => parseRowLoss(text))
const refused = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return reported(error)
  }
  throw new Error('nothing was refused')
}
const reported = (error: unknown) => {
  const { code, details, message } = error as OutriderError
  expect(error).toBeInstanceOf(OutriderError)
  const problems = details.problems as TypedLossProblem[]
  const [{ field, line, column }] = problems as [TypedLossProblem]
  expect(details).toMatchObject({ field, line, column })
  expect(message).toContain(`line ${line}, column ${column} (${field})`)
  return { code, problems }
}
const compiled = async (text: string) => {
  const error = await rowLossFromText(text, await testDevice()).catch((error: unknown) => error)
  return reported(error)
}
const around = (weight: string) => `value = 1.0 - alpha\nweight = ${weight}\n`

describe('a typed loss', () => {
  it('is read field by field; what it needs follows from the names it uses', () => {
    expect(parseRowLoss(hellinger).definition).toEqual({
      name: 'hellinger',
      sums: { affinity: 'sqrt(p * q)' },
      value: '1.0\n  - affinity',
      weightedMass: '-0.5 * sqrt(p * q)',
      statistics: { overlap: 'alpha' },
    })
    expect(parseRowLoss('sum x = -isLabel * logP\nvalue = x\nweightedMass = -isLabel').definition).toMatchObject({
      name: 'typed',
      needsLabels: true,
      needsTarget: false,
    })
  })

  it('computes what the same definition does', async () => {
    const device = await testDevice()
    const rows = 5
    const [draft, target] = [logitsOf(rows * 7, 1, 3), logitsOf(rows * 7, 2, 3)]
    const text = rowLossText(lossByName('kl-tv-hybrid'))
    const typed = await evaluate(await rowLossFromText(text, device), draft, target, rows)
    const own = await evaluate(lossByName('kl-tv-hybrid'), draft, target, rows)
    expect(typed).toEqual(own)
    const distance = await evaluate(await rowLossFromText(hellinger, device), draft, target, rows)
    await expectAllClose([distance.statistics.overlap!], [distance.alpha], { relative: 1e-6 })
  })

  it('may be any of the built-in losses, written out', async () => {
    for (const name of lossNames) {
      const loss = lossByName(name)
      const { definition } = parseRowLoss(rowLossText(loss))
      const given = loss.terms[0]!.definition
      expect({ draws: false, ...definition }).toEqual({ ...given, draws: given.draws ?? false })
      expect((await rowLossFromText(rowLossText(loss), await testDevice())).name).toBe(loss.name)
    }
  })
})

describe('a mistake in a typed loss', () => {
  it('of the language is reported by the compiler at its line and column', async () => {
    const { code, problems } = await compiled(`sum x = p - q\n\nvalue = select(x,\n    x > 0.0)\n${'weight = p'}`)
    expect(code).toBe('KERNEL')
    expect(problems[0]).toMatchObject({ field: 'value', line: 3, column: 9 })
    expect(problems[0]!.message).toMatch(/select/)
  })

  it.each([
    ['sum x = p\nvalue = x > 1.0\nweight = p', 'value', 2, 9], // no number
    ['sum x =\n  p + pow(q)\nvalue = x\nweight = p', 'sums.x', 2, 7],
    ['value = alpha\nweight = 1.0 + p *\n  max(p, true)', 'weight', 3, 3],
    ['value = alpha\nweight = 1.0 +\n  -(p > q)', 'weight', 3, 3],
    ['value = alpha\n  weight   =   sqrt(true)', 'weight', 2, 16],
    ['value = alpha\nweightedMass = exp(1.0e30)', 'weightedMass', 2, 16],
    ['value = alpha * /* p', 'value', 1, 18],
  ])('%j: the place is the text’s own', async (text, field, line, column) => {
    const { problems } = await compiled(text)
    expect(problems[0]).toMatchObject({ field, line, column })
  })

  it('is reported at a name that WGSL reserves', async () => {
    const { problems } = await compiled('sum final = p\nvalue = final\nweight = p')
    expect(problems[0]).toMatchObject({ field: 'sums.final', line: 1, column: 5, length: 5 })
  })

  it('leaves the device as it was', async () => {
    const device = await testDevice()
    const before = device.tensor([1, 2, 3])
    await compiled(around('sqrt(true)'))
    expect(await before.toArray()).toEqual([1, 2, 3])
    before.dispose()
  })

  it('in a name is explained', () => {
    const { code, problems } = refusal('sum distance = abs(p - quality)\nvalue = distance + p\nweight = mean_distance')
    expect(code).toBe('INVALID_ARGUMENT')
    expect(problems.map(({ line, column, length }) => [line, column, length])).toEqual([
      [1, 24, 7],
      [2, 20, 1],
      [3, 10, 13],
    ])
    expect(problems.map(({ message }) => message).join('\n')).toMatch(
      /quality is not known.*p, q, logP.*p is of one token.*a line "pool distance over batch"/s,
    )
  })

  it.each([
    ['', 'value', 1, 1, /value is missing/],
    ['value = alpha', 'weight', 1, 14, /gradient is missing/],
    ['value = alpha\nweight = p\nweightedMass = p', 'weightedMass', 3, 1, /either weight or weightedMass/],
    ['value = alpha\nvalue = 1.0\nweight = p', 'value', 2, 1, /already/],
    ['wieght = p\nvalue = alpha\nweight = p', 'wieght', 1, 1, /fields name, sum/],
    ['sum = p\nvalue = alpha\nweight = p', 'sum', 1, 1, /fields name, sum/],
    ['sum p = q\nvalue = alpha\nweight = p', 'sums.p', 1, 5, /cannot name/],
    ['sum let = q\nvalue = alpha\nweight = p', 'sums.let', 1, 5, /cannot name/],
    ['  p * q\nvalue = alpha\nweight = p', 'p', 1, 3, /begins with a field/],
    ['value =\nweight = p', 'value', 1, 8, /expression is missing/],
    ['value = (alpha\nweight = p', 'value', 1, 9, /not closed/],
    ['value = alpha)\nweight = p', 'value', 1, 14, /closes none/],
    ['pool x over batch\nvalue = alpha\nweight = p', 'pool.x', 1, 6, /no sum x/],
    ['sum x = p\npool x over all\nvalue = alpha\nweight = p', 'pool.x', 2, 1, /over batch/],
    ['name = a: b\nvalue = alpha\nweight = p', 'name', 1, 1, /name is a letter/],
  ])('%j is refused where it stands', (text, field, line, column, message) => {
    const { problems } = refusal(text)
    expect(problems[0]).toMatchObject({ field, line, column, message: expect.stringMatching(message) })
  })
})

describe('hostile text', () => {
  it.each([
    'p); } @compute @workgroup_size(1) fn other() { _ = (1.0',
    'p; discard',
    'p }',
    '{ p',
    'stats[0]',
    'p) + (q',
    '@must_use p',
    'p /* q',
    'p /**/ * q',
    'enable f16; p',
    'p\u2028; q',
    'p\u0085 + q',
    'p\u000b + q',
    'p\u0000',
    'row.alpha',
    'token.p',
    'dlogits',
    'workgroupBarrier()',
    'summand_0_0(token)',
    'array<f32, 4>(p, p, p, p)',
    '`p`',
    '"p"',
    '#p',
    'π',
    'p = q',
    'p += q',
    'p & 1',
    '&p',
    'constructor',
    '__proto__',
  ])('%j cannot leave its expression', (expression) => {
    expect(refusal(around(expression)).problems[0]).toMatchObject({ line: 2 })
  })

  it('in a name or a comment cannot either', async () => {
    for (const name of ['x\u0085; fn f() {}', 'x\u2028y', '}', 'x'.repeat(61)])
      expect(refusal(`name = ${name}\n${around('p')}`).problems[0]!.line).toBe(1)
    const loss = await rowLossFromText(around('p // }; \u0085 @fragment \u2028 fn main() {'), await testDevice())
    expect(loss.name).toBe('typed')
  })
})
