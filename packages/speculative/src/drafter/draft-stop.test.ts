import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { referenceDistribution } from '../reference-distribution.fixture'
import { TableModel } from '../table-model.fixture'
import type { DraftEnd } from '../testing/ended-draft'
import { law } from '../testing/law'
import { verificationNames, verificationRule } from '../verification/by-name'
import { draftEnd } from './draft-end.fixture'
import type { DraftStop } from './draft-stop'
import type { DrawnDraft } from './drafter'
import { modelDrafter } from './model-drafter'

const draft = [
  [2.1, -0.4, 0.3],
  [0.2, 0.5, 0.1],
  [-0.6, 1.4, 0.9],
]
const target = [
  [0.9, 0.7, -0.5],
  [1.1, -0.3, 0.6],
  [0.2, 0.8, 1.3],
]

const samplings: SamplingOptions[] = [
  { temperature: 1 },
  { temperature: 0.6 },
  { temperature: 1.5, topK: 2 },
  { temperature: 1.2, topP: 0.75 },
  { temperature: 0.8, topK: 2, topP: 0.9 },
]

const stops: DraftStop[] = [{ confidence: 0.4 }, { acceptance: 0.52 }]

describe.each(verificationNames)('by enumeration of every draft and every outcome, %s verification', (name) => {
  const { reference } = verificationRule(name)
  const chain = (table: number[][], sampling: SamplingOptions) =>
    table.map((logits) => referenceDistribution(logits, sampling))
  /** A draft of 3 after symbol 0. */
  const errorOf = (sampling: SamplingOptions, end: (rows: number[][], tokens: readonly number[]) => number) => {
    const p = chain(draft, sampling)
    const lengths = new Set<number>()
    const ends: DraftEnd = (tokens) => {
      const count = end(
        tokens.map((_, i) => p[i === 0 ? 0 : tokens[i - 1]!]!),
        tokens,
      )
      lengths.add(count)
      return count
    }
    const { error } = law(reference, p, chain(target, sampling), 3, ends)
    return { error, lengths: [...lengths].sort() }
  }

  it.each(samplings)("a draft that stops where its own p says so keeps the target's distribution, %o", (sampling) => {
    for (const stop of stops) {
      const { error, lengths } = errorOf(sampling, (rows, tokens) => draftEnd(stop, rows, tokens))
      expect(error).toBeLessThan(1e-6)
      if (sampling.temperature === 1) expect(lengths.length).toBeGreaterThan(1)
    }
  })

  it('a draft that withholds the token that it drew because it is unlikely does not', () => {
    const withheld = { confidence: 0.4 }
    const { error } = errorOf({ temperature: 1 }, (rows, tokens) => {
      const first = tokens.findIndex((x, i) => rows[i]![x]! < withheld.confidence)
      return first < 0 ? tokens.length : first
    })
    expect(error).toBeGreaterThan(0.01)
  })
})

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

  it('is refused out of range, and where it says two things or none', () => {
    const model = new TableModel(device, draft)
    for (const stop of [{ confidence: 1.1 }, { acceptance: Number.NaN }, {}, { confidence: 0.4, acceptance: 0.4 }])
      expect(() => modelDrafter(model, { stop: stop as DraftStop })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    model.dispose()
  })
})
