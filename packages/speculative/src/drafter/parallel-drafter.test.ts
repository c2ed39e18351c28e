import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import {
  type CausalLM,
  createDraft,
  loadCausalLM,
  type PretrainedModel,
  resolveSampling,
  type SamplingOptions,
} from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { referenceDistribution } from '../reference-distribution.fixture'
import { checkDrafter } from '../testing/check-drafter'
import type { DraftSession, DrawnDraft } from './drafter'
import { modelDrafter } from './model-drafter'
import { asParallelDraft } from './parallel-draft.fixture'
import { rowsOfP } from './rows-of-p.fixture'

let device: Device
let target: PretrainedModel
/** The target's first layers with a row more in the embedding. */
let draft: PretrainedModel
/** The same over two ids of three. */
let trimmed: PretrainedModel
const coveredIds = Array.from({ length: 512 }, (_, id) => id).filter((id) => id % 3 !== 0)
const mask = 512

beforeAll(async () => {
  device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  draft = asParallelDraft(target, { layers: 2 })
  trimmed = asParallelDraft(target, { layers: 2, coveredIds })
})
afterAll(() => {
  for (const model of [draft, trimmed, target]) model?.dispose()
})

const text = [1, 403, 407, 261, 378, 432, 290, 378, 304, 409, 318]

/** The model with something otherwise. */
const other = (model: CausalLM, fields: Partial<CausalLM>): CausalLM => ({
  ...{ device, config: model.config, parameterCount: model.parameterCount },
  createCache: (options) => model.createCache(options),
  forward: (tokens, options) => model.forward(tokens, options),
  dispose() {},
  ...fields,
})

const open = ({ model }: { model: CausalLM }, capacity = 64) =>
  modelDrafter(model).open({ device, vocabularySize: 512, capacity })

/** What a session drafts, read. */
async function drafted(
  session: DraftSession,
  tokens: readonly number[],
  { draftLength = 4, ...options }: SamplingOptions & { draftLength?: number } = {},
) {
  const sampling = resolveSampling({ seed: 5, ...options })
  const block = device.scope(() => session.draft({ tokens, draftLength, sampling, offset: 7 })) as DrawnDraft | null
  if (!block) return null
  const probabilities = await rowsOfP(block, 512)
  return { ids: [...(await block.tokens.data())], p: probabilities.slice(0, block.tokens.size) }
}

/** Logits after a text and so many masks, by a pass without a cache: the rows from the text's last token on. */
async function rowsAfter({ model }: PretrainedModel, tokens: readonly number[], count: number): Promise<number[][]> {
  const ids = [...tokens, ...new Array<number>(count - 1).fill(mask)]
  const logits = device.scope(() => model.forward(device.tensor(Uint32Array.from(ids), { shape: [1, ids.length] })))
  const [rows] = (await logits.toArray()) as number[][][]
  logits.dispose()
  return rows!.slice(-count)
}

const samplings: SamplingOptions[] = [
  { temperature: 0 },
  { temperature: 1 },
  { temperature: 0.7, topK: 5 },
  { temperature: 1.3, topP: 0.8 },
]

describe.each<[string, () => PretrainedModel, (id: number) => boolean]>([
  ['of all ids', () => draft, () => true],
  ['trimmed', () => trimmed, (id: number) => coveredIds.includes(id)],
])('a parallel draft, %s', (_, of, says) => {
  it.each(samplings)('draws each token from the row after the text and the masks before it, %o', async (sampling) => {
    const session = open(of())
    const found = await drafted(session, text, sampling)
    const rows = await rowsAfter(of(), text, 4)
    for (const [i, row] of rows.entries()) {
      // The mask is none of the target's ids, and is never said.
      const wanted = referenceDistribution(
        row.slice(0, 512).map((z, id) => (says(id) ? z : Number.NEGATIVE_INFINITY)),
        sampling,
      )
      expect(found!.p[i]).toHaveLength(512)
      for (const [id, p] of found!.p[i]!.entries()) expect(p).toBeCloseTo(wanted[id]!, 5)
      expect(found!.p[i]![found!.ids[i]!]).toBeGreaterThan(0)
    }
    session.dispose()
  })

  it('keeps no mask: what it drafts next is as if it had read the text alone', async () => {
    const session = open(of())
    let tokens = text.slice(0, 6)
    // One more, as after a rejection; several, as after accepted ones; and what others drafted, up to a whole prompt.
    const steps = [0, 1, 4, 9, 17, 1]
    for (const [step, more] of steps.entries()) {
      tokens = [...tokens, ...Array.from({ length: more }, (_, i) => 300 + ((5 * i) % 90))]
      const found = await drafted(session, tokens, { temperature: 1 })
      const rows = await rowsAfter(of(), tokens, 4)
      for (const [i, row] of rows.entries()) {
        const wanted = referenceDistribution(
          row.slice(0, 512).map((z, id) => (says(id) ? z : Number.NEGATIVE_INFINITY)),
          { temperature: 1 },
        )
        for (const [id, p] of found!.p[i]!.entries()) expect(p).toBeCloseTo(wanted[id]!, 4)
      }
      // Where drafted tokens were accepted, masks stood in their place.
      session.keep(tokens.length + Math.min(4, (steps[step + 1] ?? 1) - 1))
    }
    session.dispose()
  })
})

describe('a parallel draft', () => {
  it('says so of what it offers, with what its pass has to read, and has nothing to stop', async () => {
    const session = open(draft)
    const offer = { source: 'model', kind: '', length: 15, parallel: true }
    expect(session.offers!(text, 15)).toEqual([{ ...offer, unread: text.length }])
    await drafted(session, text)
    expect(session.offers!([...text, 5, 6], 15)).toEqual([{ ...offer, unread: 2 }])
    session.keep(text.length - 3)
    expect(session.offers!(text, 15)).toEqual([{ ...offer, unread: 3 }])
    session.dispose()
  })

  it('drafts less where its cache ends, which masks need places in, and then nothing', async () => {
    const session = open(draft, text.length + 2)
    expect((await drafted(session, text))!.ids).toHaveLength(3)
    expect((await drafted(session, [...text, 5, 6]))!.ids).toHaveLength(1)
    expect(session.offers!([...text, 5, 6, 7], 4)).toEqual([])
    expect(await drafted(session, [...text, 5, 6, 7])).toBeNull()
    session.dispose()
  })

  it('keeps what Drafter promises', async () => {
    const small = createDraft(target, { layers: 1, hiddenSize: 16 })
    const parallel = asParallelDraft(small, { coveredIds })
    await checkDrafter(modelDrafter(parallel.model), { device, vocabularySize: 512 })
    for (const model of [parallel, small]) model.dispose()
  })

  it('is the same draft whether its passes are replayed or not', async () => {
    const sessions = [open(draft), open({ model: other(draft.model, { isReplayable: false }) })]
    for (const length of [6, 7, 9, 10]) {
      const [replayed, computed] = await Promise.all(
        sessions.map((session) => drafted(session, text.slice(0, length), { temperature: 1 })),
      )
      expect(replayed).toEqual(computed)
    }
    for (const session of sessions) session.dispose()
  })

  it('is refused where the token that it names has no row in its embedding', () => {
    const config = { ...draft.config, maskTokenId: 513 }
    expect(() => open({ model: other(draft.model, { config }) })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('maskTokenId is 513') }),
    )
  })
})
