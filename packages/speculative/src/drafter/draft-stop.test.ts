import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { referenceDistribution } from '../reference-distribution.fixture'
import { TableModel } from '../table-model.fixture'
import { draftEnd } from './draft-end.fixture'
import type { DraftStop } from './draft-stop'
import type { DraftRequest, DrawnDraft } from './drafter'
import { modelDrafter } from './model-drafter'
import { rowsOfP } from './rows-of-p.fixture'

const draft = [
  [2.1, -0.4, 0.3],
  [0.2, 0.5, 0.1],
  [-0.6, 1.4, 0.9],
]
const samplings: SamplingOptions[] = [
  { temperature: 1 },
  { temperature: 0.6 },
  { temperature: 1.5, topK: 2 },
  { temperature: 1.2, topP: 0.75 },
  { temperature: 0.8, topK: 2, topP: 0.9 },
]

const stops: DraftStop[] = [{ confidence: 0.4 }, { acceptance: 0.52 }]

describe('on the device', () => {
  let device: Device
  beforeAll(async () => {
    device = await testDevice()
  })

  /** What a session drafts after symbol 0, and how much of it it proposes. */
  async function drafted(stop: DraftStop, sampling: SamplingOptions, seeds: number, draftLength = 6) {
    const model = new TableModel(device, draft)
    const session = modelDrafter(model, { stop }).open({ device, vocabularySize: 3, capacity: 32 })
    const found: { tokens: number[]; count: number }[] = []
    for (let seed = 0; seed < seeds; seed++) {
      const request = {
        tokens: [1, 2, 0],
        draftLength,
        sampling: resolveSampling({ ...sampling, seed }),
        offset: 64 * seed,
      }
      const { tokens, count } = device.scope(() => session.draft(request)) as DrawnDraft
      const [ids, counts] = [await tokens.data(), await count!.data()]
      found.push({ tokens: Array.from(ids), count: counts[0]! })
      session.keep(2)
    }
    session.dispose()
    model.dispose()
    return found
  }

  it.each(samplings.flatMap((sampling) => stops.map((stop) => [stop, sampling] as const)))(
    'the draft ends where float64 says, %o, %o',
    async (stop, sampling) => {
      const p = draft.map((logits) => referenceDistribution(logits, sampling))
      for (const { tokens, count } of await drafted(stop, sampling, 8)) {
        const rows = tokens.map((_, i) => p[i === 0 ? 0 : tokens[i - 1]!]!)
        expect(count).toBe(draftEnd(stop, rows, tokens))
      }
    },
  )

  it('at temperature 0 the softmax of the logits decides', async () => {
    const p = draft.map((logits) => referenceDistribution(logits, { temperature: 1 }))
    // From 0 the draft stays at 0, of which it is sure; its table says 0.80 there.
    const [sure] = await drafted({ confidence: 0.7 }, { temperature: 0 }, 1)
    expect(sure).toEqual({ tokens: [0, 0, 0, 0, 0, 0], count: 6 })
    const [unsure] = await drafted({ confidence: 0.85 }, { temperature: 0 }, 1)
    expect(unsure!.count).toBe(1)
    for (const acceptance of [0.5, 0.6]) {
      const [{ tokens, count }] = (await drafted({ acceptance }, { temperature: 0 }, 1)) as [typeof sure & object]
      expect(count).toBe(
        draftEnd(
          { acceptance },
          tokens.map(() => p[0]!),
          tokens,
        ),
      )
    }
  })

  it('a request may say where it ends, each another threshold, without a new recording', async () => {
    const model = new TableModel(device, draft)
    const session = modelDrafter(model).open({ device, vocabularySize: 3, capacity: 32 })
    const p = draft.map((logits) => referenceDistribution(logits, { temperature: 1 }))
    const tokens = [1, 2, 0]
    expect(session.offers!(tokens, 6)).toMatchObject([{ stops: true }])
    const counts = new Set<number>()
    const made: number[] = []
    for (const confidence of [0.1, 0.85, 0.3, 0.9, 0.75]) {
      const sampling = resolveSampling({ temperature: 0 })
      const before = device.memory.liveBuffers
      const drafted = device.scope(() =>
        session.draft({ tokens, draftLength: 6, stop: { confidence }, sampling, offset: 0 }),
      ) as DrawnDraft
      made.push(device.memory.liveBuffers - before)
      const [ids, [count]] = [Array.from(await drafted.tokens.data()), await drafted.count!.data()]
      const rows = ids.map((_, i) => p[i === 0 ? 0 : ids[i - 1]!]!)
      expect(count).toBe(draftEnd({ confidence }, rows, ids))
      counts.add(count!)
      session.keep(2, count!)
    }
    expect(counts.size).toBeGreaterThan(1)
    // The first read the prompt, the second the last token alone.
    expect(made.slice(2)).toEqual([0, 0, 0])
    const whole = device.scope(() =>
      session.draft({ tokens, draftLength: 6, sampling: resolveSampling(), offset: 0 }),
    ) as DrawnDraft
    expect(whole.count).toBeUndefined()
    session.dispose()
    model.dispose()
  })

  it('the same is drafted and proposed whether the steps behind the end are left out or run, also in the next block', async () => {
    const lengths = new Set<number>()
    for (const sampling of samplings) {
      const both = []
      for (const skips of [true, false]) {
        const model = new TableModel(device, draft)
        const session = modelDrafter(model, { stop: stops[0]! }).open({ device, vocabularySize: 3, capacity: 64 })
        const tokens = [1, 2, 0]
        const blocks: { proposed: number[]; probabilities: number[] }[] = []
        for (let block = 0; block < 6; block++) {
          const request = { tokens, draftLength: 5, skips, sampling: resolveSampling({ ...sampling, seed: 3 }) }
          const drafted = device.scope(() => session.draft({ ...request, offset: 64 * block })) as DrawnDraft
          const [count] = await drafted.count!.data()
          const proposed = Array.from(await drafted.tokens.data()).slice(0, count)
          const probabilities = (await rowsOfP(drafted, 3)).flat().slice(0, 3 * count!)
          blocks.push({ proposed, probabilities })
          // The target keeps all but the last, and says another.
          tokens.push(...proposed.slice(0, -1), 1)
          session.keep(tokens.length - 1, count)
        }
        both.push(blocks)
        session.dispose()
        model.dispose()
      }
      expect(both[1]).toEqual(both[0])
      for (const { proposed } of both[0]!) lengths.add(proposed.length)
    }
    expect(lengths.size).toBeGreaterThan(2)
  })

  it('steps behind the end are queued for the device to leave out, or run', () => {
    const queued = (request: Partial<DraftRequest>) => {
      const model = new TableModel(device, draft)
      const session = modelDrafter(model).open({ device, vocabularySize: 3, capacity: 32 })
      const { indirectDispatches } = device.counters
      const sampling = resolveSampling({ temperature: 0 })
      device.scope(() => void session.draft({ tokens: [1], draftLength: 4, sampling, offset: 0, ...request }))
      session.dispose()
      model.dispose()
      return device.counters.indirectDispatches - indirectDispatches
    }
    expect(queued({})).toBe(0)
    expect(queued({ stop: { confidence: 0.5 }, skips: false })).toBe(0)
    expect(queued({ stop: { confidence: 0.5 } })).toBeGreaterThanOrEqual(3)
  })

  it('a request may say that nothing ends, whatever the drafter would', () => {
    const model = new TableModel(device, draft)
    const session = modelDrafter(model, { stop: { confidence: 1 } }).open({ device, vocabularySize: 3, capacity: 32 })
    const request = { tokens: [1, 2, 0], draftLength: 6, stop: null, sampling: resolveSampling(), offset: 0 }
    const whole = device.scope(() => session.draft(request)) as DrawnDraft
    expect([whole.count, whole.tokens.size]).toEqual([undefined, 6])
    session.dispose()
    model.dispose()
  })

  it('is refused out of range, and where it says two things or none', () => {
    const model = new TableModel(device, draft)
    for (const stop of [{ confidence: 1.1 }, { acceptance: Number.NaN }, {}, { confidence: 0.4, acceptance: 0.4 }])
      expect(() => modelDrafter(model, { stop: stop as DraftStop })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    model.dispose()
  })
})
