import { createDevice, type Device, type DeviceCounters } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { testData } from '@outrider/test-data'
import { generate, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder } from './decoder'
import { asParallelDraft } from './drafter/parallel-draft.fixture'
import { promptLookup } from './drafter/prompt-lookup'

// A device of its own: what others have compiled must not count.
let device: Device
let target: PretrainedModel
let draft: PretrainedModel
/** The draft with a token for what is not drafted yet. */
let parallel: PretrainedModel

beforeAll(async () => {
  device = await createDevice({ adapter: nodeAdapter() })
  target = await loadCausalLM(testData('stories260K'), { device })
  draft = await loadCausalLM(testData('stories260K'), { device })
  parallel = asParallelDraft(draft)
})

afterAll(() => {
  for (const model of [target, parallel, draft]) model?.dispose()
  device?.dispose()
})

const layers = 5

const blockTokens = { draftLength: 4, maxTokens: 60 }

/** What is counted between the yields of an answer, after `skipped` of them. */
async function perYield(answer: AsyncIterable<unknown>, skipped: number, on = device): Promise<DeviceCounters[]> {
  const steps: DeviceCounters[] = []
  let before = { ...on.counters }
  for await (const _ of answer) {
    const now = { ...on.counters }
    const names = Object.keys(now) as (keyof DeviceCounters)[]
    steps.push(Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as unknown as DeviceCounters)
    before = now
  }
  // The last token queues no pass after it.
  return steps.slice(skipped, -1)
}

describe('start-up', () => {
  it('compiles what looked-up drafts need, though made-up text has nothing to look up', async () => {
    const decoder = new SpeculativeDecoder({ target, drafter: promptLookup(), draftLength: 5 })
    await decoder.warmUp({ temperature: 0.7 })
    const { pipelines } = device.counters
    const prompt = 'One day, a cat. One day, a cat. One day, a cat. One day,'
    for await (const _ of decoder.generate(prompt, { temperature: 0.7, maxTokens: 12 }));
    expect(decoder.metrics.numDrafts).toBeGreaterThan(0)
    expect(device.counters.pipelines).toBe(pipelines)
  })

  for (const temperature of [0, 0.7])
    it(`compiles everything in the warm-up, with progress, at temperature ${temperature}`, async () => {
      const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength: 5 })
      const progress: { done: number; total: number; pipelines: number }[] = []
      const live = device.memory.liveBytes
      await decoder.warmUp({ temperature, topP: 0.9, onProgress: (passed) => progress.push(passed) })
      expect(device.memory.liveBytes).toBe(live)
      expect(progress.map(({ done }) => done)).toEqual(progress.map((_, i) => i + 1))
      expect(new Set(progress.map(({ total }) => total))).toEqual(new Set([progress.length]))
      const { pipelines } = device.counters
      expect(progress.at(-1)!.pipelines).toBe(pipelines)
      for (const prompt of ['Once upon a time', 'A', 'One day, a little girl named Lily found a needle in her room.']) {
        for await (const _ of generate(target, prompt, { temperature, topP: 0.9, maxTokens: 6 }));
        for await (const _ of decoder.generate(prompt, { temperature, topP: 0.9, maxTokens: 21 }));
      }
      expect(device.counters.pipelines).toBe(pipelines)
    })
})

describe('start-up with a parallel draft', () => {
  it.each([0, 0.7])(
    'compiles what its passes need, over any number of rows, at temperature %d',
    async (temperature) => {
      const decoder = new SpeculativeDecoder({ target, drafter: parallel, draftLength: 6 })
      const live = device.memory.liveBytes
      await decoder.warmUp({ temperature })
      expect(device.memory.liveBytes).toBe(live)
      const { pipelines } = device.counters
      for await (const _ of decoder.generate('One day, a little girl', { temperature, maxTokens: 40 }));
      expect(decoder.metrics.numAcceptedTokens).toBeGreaterThan(0)
      expect(device.counters.pipelines).toBe(pipelines)
    },
  )
})

describe('start-up where drafts may be asked to stop', () => {
  it('compiles what those need that stop', async () => {
    await new SpeculativeDecoder({ target, drafter: draft, draftStop: 'auto' }).warmUp({ temperature: 0.7 })
    const { pipelines } = device.counters
    const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength: 5, draftStop: { confidence: 0.6 } })
    for await (const _ of decoder.generate('Once upon a time', { temperature: 0.7, maxTokens: 21 }));
    expect(decoder.metrics.endedEarlyRate).toBeGreaterThan(0)
    expect(device.counters.pipelines).toBe(pipelines)
  })
})

describe('budgets', () => {
  it('of a plain token: 8 dispatches a layer and 3 around them, one readback of 4 bytes, no bind group', async () => {
    const steps = await perYield(generate(target, 'Once upon a time', { maxTokens: 24 }), 4)
    expect(steps.length).toBeGreaterThan(10)
    for (const step of steps) {
      expect(step.dispatches).toBeLessThanOrEqual(8 * layers + 3)
      expect(step.submits).toBeLessThanOrEqual(3)
      expect(step.readbacks).toBe(1)
      expect(step.bytesRead).toBe(4)
      expect(step.bindGroups).toBe(0)
      expect(step.pipelines).toBe(0)
    }
  })

  it('of a block: γ draft steps, one pass and the verification, one readback of 2 + 2γ words, no bind group', async () => {
    const { draftLength, maxTokens } = blockTokens
    const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength })
    const steps = await perYield(decoder.generate('Once upon a time', { maxTokens }), 4)
    expect(steps.length).toBeGreaterThan(4)
    for (const step of steps) {
      const pass = 8 * layers + 2
      expect(step.dispatches).toBeLessThanOrEqual((draftLength + 1) * (pass + 3) + 3)
      expect(step.submits).toBeLessThanOrEqual(9)
      expect(step.readbacks).toBe(1)
      expect(step.bytesRead).toBe(4 * (2 + 2 * draftLength))
      expect(step.bindGroups).toBe(0)
      expect(step.pipelines).toBe(0)
    }
  })

  it.each([
    [4, 0.8],
    [15, 0],
  ])(
    'of a parallel block of %i: one pass of the draft, one of the target and the verification, at temperature %d',
    async (draftLength, temperature) => {
      const decoder = new SpeculativeDecoder({ target, drafter: parallel, draftLength })
      await decoder.warmUp({ temperature })
      const live = device.memory.liveBytes
      const steps = await perYield(decoder.generate('Once upon a time', { temperature, maxTokens: 90 }), 6)
      expect(steps.length).toBeGreaterThan(4)
      for (const step of steps) {
        const pass = 8 * layers + 2
        // Whatever the number of rows: those after the unread tokens, cut to the target's ids, p, and what is drawn; and q, which is two
        // when greedy, and the verdict, which is two.
        expect(step.dispatches).toBeLessThanOrEqual(2 * pass + 4 + 4)
        expect(step.readbacks).toBe(1)
        // Blocks are shorter where the answer ends.
        expect(step.bytesRead).toBeLessThanOrEqual(4 * (2 + 2 * draftLength))
        expect(step.pipelines).toBe(0)
      }
      expect(steps[0]!.bytesRead).toBe(4 * (2 + 2 * draftLength))
      // Recordings are made once for each number of unread tokens.
      expect(steps.filter(({ bindGroups }) => bindGroups === 0).length).toBeGreaterThan(steps.length / 2)
      expect(device.memory.liveBytes).toBe(live)
    },
  )

  it('of a block that may end early: one readback of as many words, nothing bound or compiled', async () => {
    const { draftLength, maxTokens } = blockTokens
    const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength, draftStop: { confidence: 0.8 } })
    const live = device.memory.liveBytes
    const steps = await perYield(decoder.generate('Once upon a time', { maxTokens }), 6)
    expect(decoder.metrics.meanDraftLength).toBeLessThan(draftLength)
    expect(steps.length).toBeGreaterThan(4)
    for (const step of steps) {
      expect(step.readbacks).toBe(1)
      expect(step.bytesRead).toBe(4 * (2 + 2 * draftLength))
      expect(step.bindGroups).toBe(0)
      expect(step.pipelines).toBe(0)
    }
    expect(device.memory.liveBytes).toBe(live)
  })

  it('of submissions, where the device does not work while the host encodes: one a token, one a block', async () => {
    // As many dispatches a submission as on a GPU; what the device is otherwise does not change what is submitted.
    using gpuLike = await createDevice({ device: device.gpu, submitEvery: 512 })
    const [target, draft] = [
      await loadCausalLM(testData('stories260K'), { device: gpuLike }),
      await loadCausalLM(testData('stories260K'), { device: gpuLike }),
    ]
    const { draftLength, maxTokens } = blockTokens
    const parallel = asParallelDraft(draft)
    const plain = await perYield(generate(target, 'Once upon a time', { maxTokens }), 4, gpuLike)
    for (const drafter of [draft, parallel]) {
      const decoder = new SpeculativeDecoder({ target, drafter, draftLength })
      const blocks = await perYield(decoder.generate('Once upon a time', { maxTokens }), 4, gpuLike)
      expect(new Set(blocks.map(({ submits }) => submits))).toEqual(new Set([1]))
    }
    for (const model of [target, parallel, draft]) model.dispose()
    // The copy of a token is asked for before the next step is queued, and so goes with the one before it.
    expect(Math.max(...plain.map(({ submits }) => submits))).toBeLessThanOrEqual(2)
  })
})
