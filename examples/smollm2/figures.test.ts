import { expect, it } from 'vitest'
import { type Answered, figuresOf, tablesOf } from './figures'
import { nameOf, plainOf, settingsOf, settingsWith } from './settings'

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
const ratios = { small: 0.5 }
const setting = 'draft small · γ 3 · greedy'
const drafted = { passes: 2, drafted: 6, byModel: 6, accepted: 2, reached: 4, overlap: 1 }

it('figures are those of the prompts that were answered plainly, too', () => {
  const log = [
    answer('plain · greedy', 0),
    answer('plain · greedy', 2),
    answer(setting, 0, { ...drafted, seconds: 2 }),
    answer(setting, 1, { ...drafted, seconds: 100 }),
    answer(setting, 2, { ...drafted, seconds: 3, ids: [5, 6, 7, 8, 1] }),
  ]
  expect(figuresOf(log, { setting, ratios })).toEqual({
    prompts: 2,
    tau: 2,
    alpha: 0.25,
    mbsu: 8 / (4 + 0.5 * 12),
    rate: 8 / 5,
    speedUp: 8 / 5,
    same: 1,
  })
  expect(figuresOf(log, { setting, category: 'summaries', ratios }).speedUp).toBeCloseTo(4 / 3)
  expect(tablesOf(log, ratios)).toContain(`| ${setting} | 2.00, 2.00 × | 2.00, 1.33 × |`)
})

it('every draft is measured greedily, the first of them in every way, each beside plain decoding', () => {
  const settings = settingsOf(['best', 'other'])
  const names = settings.map(nameOf)
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.includes('other'))).toEqual(['draft other · γ 3 · greedy'])
  for (const name of names) expect(names).toContain(plainOf(name))
  expect(settingsWith(settings, ['best', 'auto', 'greedy']).map(nameOf)).toEqual([
    'plain · greedy',
    'draft best · γ auto · greedy',
    'lookup, else table, else draft best · γ auto · greedy',
  ])
})
