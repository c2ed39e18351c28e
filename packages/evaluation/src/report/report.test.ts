import { SpeculationMetrics } from '@outrider/speculative'
import { describe, expect, test } from 'vitest'
import { figuresOf } from '../figures'
import type { EvaluationRow, ReportData } from './data'
import { escapeText, html } from './html'
import { renderReport } from './render'
import { ticks } from './scale'

const nothing = figuresOf(new SpeculationMetrics({ parameterRatio: 0.1 }), undefined, undefined)

const row = (
  draft: string,
  task: string,
  draftLength: number | 'auto',
  temperature: number,
  blockEfficiency: number,
): EvaluationRow => ({
  ...nothing,
  draft,
  task,
  draftLength,
  temperature,
  blockEfficiency,
  acceptanceRate: 0.6,
  draftAcceptanceRate: 0.4,
  acceptanceRatePerPos: [0.7, 0.6, 0.5],
  meanAcceptanceLength: 2,
  neededAcceptanceLength: 1.5,
  pays: true,
  speedUpShare: 0.8,
  mbsu: blockEfficiency / 1.2,
  plainTokensPerSecond: 100,
  tokensPerSecond: 150,
  speedUp: 1.5,
})

export const sample: ReportData = {
  title: 'A <report>',
  lead: 'What came out.',
  created: '2026-01-01',
  adapter: 'SwiftShader',
  models: [{ name: 'tiny', role: 'target', parameters: 658_000, shape: '6 layers' }],
  curves: [
    {
      title: 'Pretraining',
      x: 'step',
      y: 'loss',
      series: [
        {
          name: 'train',
          points: [
            [0, 6],
            [10, 3],
            [20, Number.NaN],
            [30, 2],
          ],
        },
      ],
    },
  ],
  evaluation: ['pretrained', 'tvd++'].flatMap((draft, i) =>
    ['open-ended', 'all'].flatMap((task) =>
      [3, 5].flatMap((length) => [0, 1].map((temperature) => row(draft, task, length, temperature, 1.4 + i))),
    ),
  ),
  completion: {
    prompt: 'Who is <b>Mira</b>?',
    answers: [
      {
        title: 'tvd++',
        note: 'τ 2.4',
        tokens: [
          { text: '<script>', origin: 'accepted' },
          { text: ' lives', origin: 'corrected' },
        ],
      },
    ],
  },
  settings: { Run: { seed: 1 } },
  notes: ['A remark & more'],
}

describe('the report', () => {
  const page = renderReport(sample)

  test('needs nothing from outside and runs no script', () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(|https?:/)
    expect(page).toContain("default-src 'none'")
  })

  test('escapes every text', () => {
    expect(page).toContain('A &#60;report&#62;')
    expect(page).not.toContain('<b>Mira')
    expect(page).toContain('A remark &#38; more')
  })

  test('is well nested, and its ids are unique', () => {
    const open: string[] = []
    for (const [, close, name, rest] of page.matchAll(/<(\/?)([a-z0-9]+)((?:[^<>"]|"[^"]*")*)>/g)) {
      if (close) expect(open.pop()).toBe(name)
      else if (!rest!.endsWith('/') && !['meta'].includes(name!)) open.push(name!)
    }
    expect(open).toEqual([])
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('gives every plot a title and a description', () => {
    const plots = page.match(/<svg/g)!.length
    expect(plots).toBe(4 + 2 + 1 + 1)
    expect(page.match(/<svg[^>]*role="img" aria-labelledby/g)).toHaveLength(plots)
    expect(page.match(/<desc/g)).toHaveLength(plots)
  })

  test('has every plot as a table too, folded away', () => {
    const plots = page.match(/<svg/g)!.length
    expect(page.match(/<details><summary>As a table<\/summary>/g)).toHaveLength(plots)
    const figure = page.match(/<figure>\s*<figcaption>Block efficiency τ at γ = 3, greedy.*?<\/figure>/s)![0]
    expect(figure).toContain('<th scope="col">task</th><th scope="col">pretrained</th>')
    expect(figure).toContain('<th scope="row">open-ended</th><td>1.40</td><td>2.40</td>')
    const pretraining = page.match(/<figcaption>Pretraining<.*?<\/figure>/s)![0]
    expect(pretraining).toContain('<th scope="row">10</th><td>3</td>')
    expect(pretraining).toContain('<th scope="row">20</th><td>–</td>')
  })

  test('gives a draft the same look in every plot', () => {
    const curves = [
      {
        title: 'Fine-tuning',
        x: 'step',
        y: 'α',
        series: [
          {
            name: 'tvd++',
            points: [
              [0, 0.5],
              [9, 0.7],
            ] as const,
          },
        ],
      },
    ]
    const figure = renderReport({ ...sample, curves }).match(/<figcaption>Fine-tuning<.*?<\/figure>/s)![0]
    expect(figure).toContain('class="line s1"')
  })

  test('has plots of the draft lengths that were measured at a temperature, and no others', () => {
    const evaluation = ['lookup', 'draft'].flatMap((draft) => [
      row(draft, 'all', 3, 0, 1.7),
      row(draft, 'all', 'auto', 0, 1.5),
      row(draft, 'all', 'auto', 0.7, 1.4),
    ])
    const captions = [...renderReport({ ...sample, evaluation }).matchAll(/<figcaption>([^<]*)/g)].map(
      ([, text]) => text,
    )
    expect(captions.filter((text) => text!.startsWith('Block efficiency'))).toEqual([
      'Block efficiency τ at γ = 3, greedy',
      'Block efficiency τ at γ = auto, greedy',
      'Block efficiency τ at γ = auto, T = 0.7',
    ])
    expect(captions.filter((text) => text!.startsWith('Acceptance'))).toEqual([
      'Acceptance α by position in the block, γ = 3, greedy',
      'Acceptance α by position in the block, γ = auto, T = 0.7',
    ])
    expect(renderReport({ ...sample, evaluation })).not.toContain('γ = 3, T = 0.7')
  })

  test('of one draft compares its draft lengths, and the rates with plain decoding', () => {
    const one = renderReport({ ...sample, evaluation: sample.evaluation.filter(({ draft }) => draft === 'tvd++') })
    const captions = [...one.matchAll(/<figcaption>([^<]*)/g)].map(([, caption]) => caption)
    expect(captions).toEqual([
      'Block efficiency τ, greedy',
      'Tokens per second, greedy',
      'Block efficiency τ, T = 1',
      'Tokens per second, T = 1',
      'Acceptance α by position in the block, greedy',
      'Acceptance α by position in the block, T = 1',
      'Pretraining',
    ])
    expect(one).toMatch(/<\/span>plain<\/li><li>.*γ = 3<\/li>/)
    expect(one).not.toContain('class="best"')
  })

  test('shows what matters most in large', () => {
    const page = renderReport({ ...sample, headline: [{ label: 'τ', value: '<2.40>', note: 'γ = 3' }] })
    expect(page).toContain('<dt>τ</dt><dd>&#60;2.40&#62;</dd><dd class="soft">γ = 3</dd>')
  })

  test('draws no figure that is not finite', () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined|null/)
  })

  test('marks the best draft of each group', () => {
    expect(page.match(/<tr class="best"/g)).toHaveLength(8)
  })

  test('is made of data that may be missing', () => {
    const empty = renderReport({ ...sample, curves: [], evaluation: [], completion: undefined, notes: [] })
    expect(empty).toContain('<h2>Settings</h2>')
    expect(empty).not.toMatch(/NaN|Infinity|undefined/)
  })
})

test('markup escapes values, joins lists and leaves markup alone', () => {
  expect(html`<p>${'a<b'}${[html`<i>${1}</i>`, '&']}${undefined}${false}</p>`.text).toBe('<p>a&#60;b<i>1</i>&#38;</p>')
  expect(escapeText('"\u0000')).toBe('&#34;\ufffd')
})

test('ticks are round and cover the range', () => {
  expect(ticks(0.3, 2.7)).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3])
  expect(ticks(5, 5)).toEqual([5])
  expect(ticks(0, 300, 6)).toEqual([0, 50, 100, 150, 200, 250, 300])
})
