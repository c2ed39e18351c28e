import { expect, it } from 'vitest'
import { type Answered, figuresOf, tablesOf } from './figures'
import { inEngine, nameOf, plainOf, settingsOf, settingsWith } from './settings'

const answer = (setting: string, prompt: number, more: Partial<Answered> = {}): Answered => ({
  setting,
  prompt,
  category: prompt < 2 ? 'sums' : 'summaries',
  ids: [5, 6, 7, 8, 9],
  seconds: 4,
  passes: 0,
  drafted: 0,
  byModel: 0,
  accepted: 0,
  reached: 0,
  overlap: 0,
  ...more,
})
const setting = 'draft small · γ 3 · greedy'
const drafted = { passes: 2, drafted: 6, byModel: 6, accepted: 2, reached: 4, overlap: 1, parameterRatio: 0.5 }

it('figures are those of the prompts that were answered plainly, too', () => {
  const log = [
    answer('plain · greedy', 0),
    answer('plain · greedy', 2),
    answer(setting, 0, { ...drafted, seconds: 2 }),
    answer(setting, 1, { ...drafted, seconds: 100 }),
    answer(setting, 2, { ...drafted, seconds: 3, ids: [5, 6, 7, 8, 1] }),
  ]
  expect(figuresOf(log, { setting })).toEqual({
    prompts: 2,
    tau: 2,
    alpha: 0.25,
    mbsu: 8 / (4 + 0.5 * 12),
    rate: 8 / 5,
    speedUp: 8 / 5,
    same: 1,
    asHere: 1,
  })
  expect(figuresOf(log, { setting, category: 'summaries' }).speedUp).toBeCloseTo(4 / 3)
  expect(tablesOf(log)).toContain(`| ${setting} | 2.00, 2.00 × | 2.00, 1.33 × |`)
  expect(tablesOf(log)).not.toContain('and of ours')
})

it("another engine's answers stand beside ours: against its own plain decoding and ours, and without seconds", () => {
  const named = (drafter: 'plain' | 'draft small', draftLength?: number) =>
    inEngine('transformers', { drafter, sampled: false, ...(draftLength && { draftLength }) })
  const [theirs, theirPlain] = [named('draft small', 3), named('plain')]
  const other = { seconds: undefined, ids: [5, 6, 7, 8, 1] }
  const log = [
    answer('plain · greedy', 0),
    answer('plain · greedy', 1),
    answer(setting, 0, drafted),
    answer(theirPlain, 0, { seconds: undefined }),
    answer(theirPlain, 1, other),
    // The prompt's pass verified the first draft: five ids in two passes.
    answer(theirs, 0, { ...drafted, parameterRatio: undefined, seconds: undefined, tokens: 5 }),
    answer(theirs, 1, { ...drafted, parameterRatio: undefined, ...other, tokens: 5 }),
  ]
  const rows = tablesOf(log).split('\n')
  expect(rows[0]).toContain('| ids of plain decoding | and of ours |')
  expect(rows).toContain(`| ${theirPlain} | 2 | 1.00 | – | 1.00 | – | – | 2 | 1 |`)
  expect(rows).toContain(`| ${theirs} | 2 | 2.50 | 0.25 | 1.00 | – | – | 2 | 1 |`)
  expect(rows).toContain(`| ${theirs} | 2.50, – |`)
  expect(rows.filter((row) => row.startsWith('| plain'))).toHaveLength(1)
})

it('every draft is measured greedily, the first of them in every way, each beside plain decoding', () => {
  const settings = settingsOf(['best', 'other'])
  const names = settings.map(nameOf)
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.includes('other'))).toEqual(['draft other · γ 3 · greedy'])
  for (const name of names) expect(names).toContain(plainOf(name))
  for (const drafter of ['draft best', 'lookup, else table, else draft best'])
    for (const length of [3, 5, 'auto'])
      for (const way of ['greedy', 'token · sampled', 'block · sampled'])
        expect(names).toContain(`${drafter} · γ ${length} · ${way}`)
  expect(settingsWith(settings, ['best', 'auto', 'greedy']).map(nameOf)).toEqual([
    'plain · greedy',
    'draft best · γ auto · greedy',
    'lookup, else table, else draft best · γ auto · greedy',
  ])
})
