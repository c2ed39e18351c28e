import { batchesOnce } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { testDevice } from '@outrider/tensor/testing'
import { byteTokenizer, memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../evaluation/evaluate'
import { distillation } from './distill'
import { pretrain } from './pretrain'
import { patterns, shortRun, tinyDraft, tinyTarget } from './runs.fixture'
import { trainedTarget } from './trained-target.fixture'

let target: PretrainedModel
beforeAll(async () => {
  target = await trainedTarget()
})

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

describe('pretrain', () => {
  it('learns: the loss falls far below that of guessing, on what it was not trained on too', async () => {
    const draft = tinyDraft(target)
    const validation = await batchesOnce(patterns, draft, { length: 24 })
    const { history, steps } = await pretrain(draft, patterns, {
      steps: 80,
      batchSize: 4,
      length: 24,
      learningRate: 1e-2,
      validation,
      validateEvery: 40,
    })
    expect(steps).toBe(80)
    const losses = history.flatMap(({ loss }) => loss ?? [])
    expect(losses).toHaveLength(80)
    expect(losses[0]!).toBeGreaterThan(5) // ln 258 = 5.55
    expect(mean(losses.slice(-5))).toBeLessThan(2.2)
    const held = history.filter((entry) => entry.eval_loss !== undefined)
    expect(held.map(({ step }) => step)).toEqual([40, 80])
    expect(held[1]!.eval_loss!).toBeLessThan(held[0]!.eval_loss!)
    draft.dispose()
  })
})

describe('pretrain, measured against a target,', () => {
  it('reports α and the simulated acceptance length that distillation would, and learns as without', async () => {
    const [draft, other] = [tinyDraft(target), tinyDraft(target)]
    const validation = await batchesOnce(patterns, target, { length: 24 })
    const { history } = await pretrain(draft, patterns, {
      ...shortRun,
      steps: 3,
      target,
      validation,
      draftLengths: [3],
    })
    const plain = await pretrain(other, patterns, { ...shortRun, steps: 3 })
    expect(history.filter(({ loss }) => loss !== undefined)).toEqual(plain.history)
    expect(history.at(-1)).toEqual({
      step: 3,
      ...(await evaluate(draft, distillation(draft, target, kld), validation, [3])),
    })
    expect(history.at(-1)!.eval_acceptance_rate).toBeGreaterThan(0)
    for (const model of [draft, other]) model.dispose()
  })

  it('goes on when it is measured against another, and tells of it', async () => {
    const run = memoryDirectory()
    const validation = await batchesOnce(patterns, target, { length: 24 })
    const pretrained = async (options: Partial<Parameters<typeof pretrain>[2]>) => {
      const remarks: string[] = []
      const draft = tinyDraft(target)
      const { history } = await pretrain(draft, patterns, {
        ...shortRun,
        steps: 2,
        checkpoints: run,
        checkpointEvery: 1,
        validation,
        target,
        onResume: (resumption) => remarks.push(...resumption.remarks),
        ...options,
      })
      draft.dispose()
      return { history, remarks }
    }
    const at = new AbortController()
    await expect(pretrained({ signal: at.signal, onStep: () => at.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const other = tinyTarget(await testDevice())
    const { history, remarks } = await pretrained({ resume: true, target: other })
    expect(remarks).toEqual([expect.stringMatching(/another target \(its weights .*: α and acceptance lengths/)])
    expect(history.at(-1)!.eval_acceptance_rate).toBeGreaterThan(0)
    other.dispose()
  })

  it('refuses a target of another tokenizer', async () => {
    const draft = { ...tinyDraft(target), tokenizer: byteTokenizer({ specialTokens: ['<a>', '<b>'] }) }
    await expect(pretrain(draft, patterns, { steps: 1, target })).rejects.toMatchObject({ code: 'VOCABULARY_MISMATCH' })
    draft.dispose()
  })
})
