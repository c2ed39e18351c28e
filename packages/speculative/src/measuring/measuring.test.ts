import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { createDraft, loadCausalLM, type PretrainedModel, resolveSampling } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blockSeconds } from '../draft-length/step-costs'
import type { Drafter } from '../drafter/drafter'
import { firstOf } from '../drafter/first-of'
import { modelDrafter } from '../drafter/model-drafter'
import { asParallelDraft } from '../drafter/parallel-draft.fixture'
import { promptLookup } from '../drafter/prompt-lookup'
import { median, mediansInTurns } from './in-turns'
import { measureBlocks } from './measure-blocks'
import { measureCosts } from './measure-costs'

let device: Device
let target: PretrainedModel
let draft: PretrainedModel
let drafter: Drafter

beforeAll(async () => {
  device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  draft = createDraft(target, { layers: 1, hiddenSize: 16, seed: 1 })
  drafter = modelDrafter(draft.model)
})
afterAll(() => {
  draft?.dispose()
  target?.dispose()
})

/** A clock that goes by what is done and not by how long it takes: a second a dispatch. */
const dispatches = () => device.counters.dispatches
/** Dispatches of a pass of the target and of the draft: 8 a layer, and the embedding and the head beside them. */
const pass = { target: 8 * 5 + 2, draft: 8 + 2 }

describe.each([0, 0.8])('what steps cost, at temperature %s', (temperature) => {
  const sampling = resolveSampling({ temperature })
  const counted = () => ({ target: target.model, drafter, sampling, repetitions: 1, now: dispatches })

  it('is what a further draft step adds, and passes with their verification', async () => {
    const before = device.memory.liveBytes
    const { draftSeconds, targetSeconds } = await measureCosts(counted())
    expect(device.memory.liveBytes).toBe(before)
    expect(draftSeconds).toBeGreaterThanOrEqual(pass.draft)
    expect(draftSeconds).toBeLessThanOrEqual(pass.draft + 3)
    expect(targetSeconds.map(({ rows }) => rows)).toEqual([1, 2, 3, 4, 5, 8, 9, 16])
    for (const { seconds } of targetSeconds) {
      expect(seconds).toBeGreaterThanOrEqual(pass.target)
      expect(seconds).toBeLessThanOrEqual(pass.target + 8)
    }
  })

  it('is that of whole drafts, where a drafter would end them early, alone or behind a lookup', async () => {
    const { draftSeconds } = await measureCosts(counted())
    const stopping = modelDrafter(draft.model, { stop: { confidence: 1 } })
    for (const drafter of [stopping, firstOf(promptLookup(), stopping)])
      expect((await measureCosts({ ...counted(), drafter })).draftSeconds).toBe(draftSeconds)
  })

  it('is also that of a step which is left out, where drafts may end early: here as many commands, and two more a step', async () => {
    const stopping = modelDrafter(draft.model, { stop: { confidence: 0 } })
    for (const drafter of [counted().drafter, stopping]) {
      const { draftSeconds, skippedSeconds } = await measureCosts({ ...counted(), drafter, stops: true })
      // Each step has besides what decides whether it goes on, as the first one does, and what takes its workgroups away.
      expect(skippedSeconds).toBeCloseTo(draftSeconds + 2 + 1 / 14, 5)
    }
    expect((await measureCosts({ ...counted(), drafter: promptLookup(), stops: true })).skippedSeconds).toBeUndefined()
    expect((await measureCosts(counted())).skippedSeconds).toBeUndefined()
  })

  it('is that of one pass for a block of a parallel draft, with what draws from all of its rows', async () => {
    const parallel = asParallelDraft(draft)
    const options = { ...counted(), drafter: firstOf(promptLookup(), modelDrafter(parallel.model)) }
    const before = device.memory.liveBytes
    const { draftSeconds, draftPasses, skippedSeconds } = await measureCosts({ ...options, stops: true })
    expect(device.memory.liveBytes).toBe(before)
    expect(draftPasses!.map(({ rows }) => rows)).toEqual([1, 2, 4, 5, 8, 9, 15])
    for (const { seconds } of draftPasses!) expect(seconds).toBe(draftSeconds)
    expect(draftSeconds).toBeGreaterThan(pass.draft)
    expect(draftSeconds).toBeLessThanOrEqual(pass.draft + 3)
    expect(skippedSeconds).toBeUndefined()
    const blocks = await measureBlocks({ ...options, drafter: modelDrafter(parallel.model), draftLengths: [1, 7] })
    expect(blocks.map((block) => block.draftSeconds)).toEqual([draftSeconds, draftSeconds])
    parallel.dispose()
  })

  it('adds up to a block as decoding does it, and so do its parts', async () => {
    const costs = await measureCosts(counted())
    const before = device.memory.liveBytes
    const blocks = await measureBlocks({ ...counted(), draftLengths: [0, 3, 7] })
    expect(device.memory.liveBytes).toBe(before)
    for (const block of blocks) {
      const { draftLength, draftSeconds, targetSeconds, verificationSeconds, readbackSeconds, hostSeconds } = block
      expect(draftSeconds + targetSeconds + verificationSeconds).toBe(block.blockSeconds)
      expect([readbackSeconds, hostSeconds]).toEqual([0, 0])
      expect(targetSeconds).toBeGreaterThanOrEqual(pass.target)
      expect(draftSeconds).toBeGreaterThanOrEqual(draftLength * pass.draft)
      // A greedy draft has one dispatch besides, whatever its length.
      expect(Math.abs(block.blockSeconds - blockSeconds(costs, draftLength))).toBeLessThanOrEqual(2)
    }
    expect(blocks[0]).toMatchObject({ draftLength: 0, draftSeconds: 0 })
  })
})

describe('a drafter without a model', () => {
  it('costs nothing, and its blocks can be taken apart', async () => {
    const before = device.memory.liveBytes
    const options = { target: target.model, drafter: promptLookup(), sampling: resolveSampling(), repetitions: 1 }
    const { draftSeconds, targetSeconds } = await measureCosts(options)
    expect(draftSeconds).toBe(0)
    expect(targetSeconds.at(-1)!.seconds).toBeGreaterThanOrEqual(targetSeconds[0]!.seconds)
    const [block] = await measureBlocks({ ...options, draftLengths: [3] })
    expect(block!.targetSeconds).toBeGreaterThan(0)
    expect(device.memory.liveBytes).toBe(before)
  })
})

describe('measuring', () => {
  it('takes the median of all rounds but the first, which compiles', async () => {
    const taken = [
      [100, 3, 900, 4],
      [1000, 20, 10, 30],
    ]
    const order: number[] = []
    const runs = taken.map((values, which) => async () => {
      order.push(which)
      return values.shift()!
    })
    expect(await mediansInTurns(device, runs, { repetitions: 3 })).toEqual([4, 20])
    expect(order).toEqual([0, 1, 0, 1, 0, 1, 0, 1])
    expect(median([1, 4, 2, 3])).toBe(2.5)
  })

  it('ends when it is told to', async () => {
    const signal = AbortSignal.abort()
    const options = { target: target.model, drafter, sampling: resolveSampling(), signal }
    await expect(measureCosts(options)).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(measureBlocks({ ...options, draftLengths: [2] })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
