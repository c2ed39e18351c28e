import type { DataSource, DatasetRow } from '@outrider/dataset'
import { memoryDirectory } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { alignSources, keepOwnData, keptData } from './data'
import type { AlignPlan } from './plan'
import { budgets, draftShape, draftSizes, presetPlan } from './presets'

const bundled = { isBundled: true, hiddenSize: 64, headDim: 16, contextLength: 128 }
const other = { isBundled: false, hiddenSize: 576, headDim: 64, contextLength: 2048 }

async function all(source: DataSource): Promise<DatasetRow[]> {
  const rows: DatasetRow[] = []
  for await (const row of source) rows.push(row)
  return rows
}
const questions = async (source: DataSource) =>
  (await all(source)).map((row) => (row.kind === 'conversation' ? row.messages[0]!.content : row.kind))

describe('the data of an alignment', () => {
  it('never measures on what is learned from', async () => {
    for (const [target, budget] of [bundled, other].flatMap((target) =>
      budgets.map((budget) => [target, budget] as const),
    )) {
      const plan = presetPlan(target, 'medium', budget)
      const { instructions, heldOut, counts, text } = await alignSources(plan, memoryDirectory())
      const [learned, measured] = [await questions(instructions), await questions(heldOut)]
      expect(learned).toHaveLength(counts.instructions)
      expect(measured).toHaveLength(counts.heldOut)
      expect(new Set([...learned, ...measured]).size).toBe(counts.instructions + counts.heldOut)
      expect(measured.filter((question) => learned.includes(question))).toEqual([])
      if (target.isBundled)
        expect(counts).toEqual({ instructions: plan.generation.instructions, heldOut: counts.heldOut })
      expect(text !== undefined).toBe(target.isBundled)
    }
  })

  it('may be one’s own: lines or JSONL, with text or without, kept with the run', async () => {
    const plan: AlignPlan = { ...presetPlan(other, 'small', 'quick'), data: 'own' }
    const folder = memoryDirectory()
    await keepOwnData(folder, { instructions: 'One?\n\nTwo?\r\nThree?\nTwo?\nFour?\n', text: 'a\nb\n\n\nc\n' })
    const lines = await alignSources(plan, folder)
    expect(await questions(lines.instructions)).toEqual(['One?', 'Two?', 'Three?'])
    expect(await questions(lines.heldOut)).toEqual(['Four?'])
    expect(await all(lines.text!)).toMatchObject([{ text: 'a\nb' }, { text: 'c\n' }])

    await keepOwnData(folder, { instructions: '{"prompt":"A"}\n{"instruction":"B"}', text: ' ' })
    const json = await alignSources(plan, folder)
    expect([...(await questions(json.instructions)), ...(await questions(json.heldOut))]).toEqual(['A', 'B'])
    expect(json.text).toBeUndefined()

    await keepOwnData(folder, { instructions: '[{"prompt":"A"},\n{"prompt":"A"}, {"prompt":"B"}]', text: '' })
    const list = await alignSources(plan, folder)
    expect([...(await questions(list.instructions)), ...(await questions(list.heldOut))]).toEqual(['A', 'B'])
  })

  it('is refused where it is too little or no JSON', async () => {
    const keep = (instructions: string) => keepOwnData(memoryDirectory(), { instructions, text: '' })
    await expect(keep('Only one?')).rejects.toThrow(/one instruction.*at least two/)
    await expect(keep(' \n')).rejects.toThrow(/no instructions/)
    await expect(keep('{"prompt":"A"}\n\n{"prompt":"A"}\n{"prompt":')).rejects.toThrow(/instructions, line 4/)
    await expect(keep('{"prompt":"A"}\n{"prompt":5}')).rejects.toThrow(/instructions, line 2: prompt must be/)
  })
})

describe('presets', () => {
  it('give every target a draft whose heads are as wide as its own, smaller than it', () => {
    for (const target of [bundled, other])
      for (const size of draftSizes) {
        const { layers, hiddenSize } = draftShape(target, size)
        expect(hiddenSize % target.headDim).toBe(0)
        expect(hiddenSize).toBeLessThanOrEqual(target.hiddenSize)
        expect(layers).toBeLessThanOrEqual(2)
      }
    expect(draftShape(bundled, 'medium')).toEqual({ layers: 1, hiddenSize: 48 })
  })

  it('do more with every effort, within the context', () => {
    const plans = budgets.map((budget) => presetPlan({ ...other, contextLength: 40 }, 'small', budget))
    for (const [i, plan] of plans.slice(1).entries())
      expect(plan.distillation.steps).toBeGreaterThan(plans[i]!.distillation.steps)
    for (const { length, generation } of plans) expect(Math.max(length, generation.maxTokens)).toBeLessThanOrEqual(40)
  })
})

describe('data that a run keeps', () => {
  it('is given back as it was given, if it be one instruction; what there is none of is not', async () => {
    const folder = memoryDirectory()
    expect(await keptData(folder)).toEqual({ instructions: undefined, text: undefined })
    await keepOwnData(folder, { instructions: 'One?\n', text: ' ' }, { leastInstructions: 0 })
    const { instructions, text } = await keptData(folder)
    expect(text).toBeUndefined()
    expect(await questions(instructions!)).toEqual(['One?'])
    await keepOwnData(folder, { instructions: '', text: 'Once.\n\nTwice.' }, { leastInstructions: 0 })
    const kept = await keptData(folder)
    expect(kept.instructions).toBeUndefined()
    expect(await all(kept.text!)).toMatchObject([
      { kind: 'text', text: 'Once.' },
      { kind: 'text', text: 'Twice.' },
    ])
  })
})
