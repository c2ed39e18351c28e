import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { createDraft, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { promptLookup } from '../drafter/prompt-lookup'
import { measureBatchSteps } from './measure-batch-steps'

let device: Device
let target: PretrainedModel
let drafter: PretrainedModel

beforeAll(async () => {
  device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  drafter = createDraft(target, { layers: 1, hiddenSize: 16, seed: 1 })
})
afterAll(() => {
  drafter?.dispose()
  target?.dispose()
})

/** A clock that goes by what is done and not by how long it takes: a second a dispatch. */
const dispatches = () => device.counters.dispatches

describe('what steps of a batch take', () => {
  it('is measured with as many sequences as powers of two say, plainly and drafted for, and leaves nothing behind', async () => {
    const before = device.memory.liveBytes
    const options = { target, drafter, now: dispatches, mostSeconds: Number.POSITIVE_INFINITY }
    const steps = await measureBatchSteps({ ...options, size: 3, sampling: { temperature: 0 } })
    expect(device.memory.liveBytes).toBe(before)
    const kinds = steps.map(({ sequences, choices }) => `${sequences}×${choices[0]?.draftLength ?? 0}`)
    expect([...new Set(kinds)]).toEqual(['2×0', '2×5', '2×2', '3×0', '3×5', '3×2'])
    for (const { sequences, choices } of steps) expect([0, sequences]).toContain(choices.length)
    const least = (kind: string) => Math.min(...steps.filter((_, i) => kinds[i] === kind).map(({ seconds }) => seconds))
    // A draft of one layer has 8 dispatches a token and two beside them, for all sequences together.
    const added = (sequences: number) => least(`${sequences}×5`) - least(`${sequences}×2`)
    expect(added(2)).toBeGreaterThanOrEqual(3 * (8 + 2))
    expect(added(3) - added(2)).toBeLessThan(3 * (8 + 2))
  })

  it('is of the pass and the verdict alone for what is looked up', async () => {
    const options = { target, drafter: promptLookup(), now: dispatches, mostSeconds: Number.POSITIVE_INFINITY }
    const steps = await measureBatchSteps({ ...options, size: 2 })
    const drafted = steps.filter(({ choices }) => choices.length === 2)
    expect(drafted.map(({ choices }) => choices[0]!.offer.unread)).toEqual(drafted.map(() => undefined))
    expect(drafted.length).toBeGreaterThan(0)
  })

  it('ends when its time is over or when it is told to, and says nothing of a batch of one', async () => {
    expect(await measureBatchSteps({ target, drafter, size: 1 })).toEqual([])
    expect(await measureBatchSteps({ target, drafter, size: 4, now: dispatches, mostSeconds: 1 })).toEqual([])
    const signal = AbortSignal.abort()
    await expect(measureBatchSteps({ target, drafter, size: 2, signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
