import { testDevice } from '@outrider/tensor/testing'
import { contentHash, type Directory, memoryDirectory, type PretrainedModel, within } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { align } from './align'
import { byTask } from './by-task'
import { runFolder, writePlan } from './plan/stored-plan'
import { readSeeds } from './seeds/seed-row'
import type { AlignEvent } from './stages/run'
import { questions, tinyPlan, tinyTarget } from './tiny-run.fixture'

/** A base model: it has no chat template. */
let target: PretrainedModel
beforeAll(async () => {
  target = tinyTarget(await testDevice(), { chat: false })
})
afterAll(() => target.dispose())

const lines = async (out: Directory, file: string) =>
  (await out.readText(`align/${file}`))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { messages: { content: string }[]; category?: string })

describe('a model without a chat template, with an instruction of one row', () => {
  it('continues it and beginnings of texts, some of which it writes itself where that is planned', async () => {
    const seeds = questions(1)
    const out = memoryDirectory({}, 'draft')
    const plan = await tinyPlan(target, { given: 1, seeds: await contentHash(await readSeeds(seeds)) })
    const { generate } = plan
    await writePlan(within(out, runFolder), {
      ...plan,
      generate: { ...generate, temperatures: [0.7, 0], written: 3, writtenBy: 'target' },
    })
    const events: AlignEvent[] = []
    await align({ target, out, seeds, only: 'generate', onEvent: (event) => events.push(event) })

    expect(events.find((event) => event.kind === 'plan')).toMatchObject({ plan: { kind: 'text' } })
    const answers = await lines(out, 'answers.jsonl')
    expect(answers.map(({ messages }) => messages[0]!.content).slice(0, 2)).toEqual(['What is 0?', 'What is 0?'])
    expect(answers).toHaveLength(2 + 3)
    const said = answers.slice(2).map(({ category }) => category)
    // What is not worth keeping of a random model's is filled up with beginnings of ours.
    for (const category of said) expect(['text', 'continuation']).toContain(category)
    expect(await lines(out, 'held-out-seeds.jsonl')).toHaveLength(2)
  }, 300_000)

  it('is refused with instructions where there are none', async () => {
    const none = align({ target, out: memoryDirectory(), seeds: questions(0) })
    await expect(none).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: /no instruction/ })
  })
})

describe('instructions of two tasks', () => {
  it('are held out and measured of each, and what is gained on each stands in card, report and verdict', async () => {
    const seeds = questions(10)
    const out = memoryDirectory({}, 'draft')
    const plan = await tinyPlan(target, { given: 10, seeds: await contentHash(await readSeeds(seeds)) })
    await writePlan(within(out, runFolder), {
      ...plan,
      pretrain: { ...plan.pretrain, steps: 1 },
      generate: { ...plan.generate, given: 2, givenHeldOut: 8, written: 2, writtenHeldOut: 0, maxTokens: 3 },
      distill: { ...plan.distill, phases: plan.distill.phases.slice(0, 1).map((phase) => ({ ...phase, steps: 1 })) },
      evaluate: { ...plan.evaluate, prompts: 6, maxTokens: 4 },
    })
    const { verdict, results } = await align({ target, out, seeds })

    expect((await lines(out, 'held-out-seeds.jsonl')).map(({ category }) => category).sort()).toEqual([
      ...Array(4).fill('even'),
      ...Array(4).fill('odd'),
    ])
    expect((await lines(out, 'measured.jsonl')).map(({ category }) => category)).toEqual([
      'even',
      'odd',
      'even',
      'odd',
      'even',
      'odd',
    ])
    const figures = byTask(results.evaluate!.found)
    expect(figures.map(({ task, prompts, temperature }) => [task, prompts, temperature])).toEqual([
      ['even', 3, 0],
      ['odd', 3, 0],
    ])
    expect(verdict).toMatch(/6 held-out prompts, from [\d.]+ on (even to [\d.]+ on odd|odd to [\d.]+ on even)\)/)
    const card = await out.readText('README.md')
    for (const { task, ways } of figures) {
      const { speedUp, blockEfficiency } = ways.at(-1)!
      expect(card).toContain(`| ${task} | 3 | greedy |`)
      expect(card).toContain(` ${speedUp!.toFixed(2)}× (${blockEfficiency.toFixed(2)}) |\n`)
    }
    expect(card).toContain('--prompts draft/align/measured.jsonl')
    expect(await out.readText('report.html')).toContain('<td class="left">odd</td>')
  }, 300_000)
})
