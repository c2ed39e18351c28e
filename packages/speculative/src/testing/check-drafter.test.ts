import { add, type Device, defineKernel, multiply, type Tensor } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { loadCausalLM } from '@outrider/transformer'
import { checkCausalLM } from '@outrider/transformer/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import type { DraftStop } from '../drafter/draft-stop'
import type { Drafter, DraftRequest, DraftSession, DrawnDraft } from '../drafter/drafter'
import { firstOf } from '../drafter/first-of'
import { modelDrafter } from '../drafter/model-drafter'
import { oneHot } from '../drafter/probability-rows'
import { promptLookup } from '../drafter/prompt-lookup'
import { TableModel } from '../table-model.fixture'
import { checkDrafter } from './check-drafter'

const vocabularySize = 7

let device: Device
let model: TableModel
let table: Drafter
beforeAll(async () => {
  device = await testDevice()
  const logits = Array.from({ length: vocabularySize }, (_, x) =>
    Array.from({ length: vocabularySize }, (_, y) => 3 * Math.sin(3 * x + 5 * y)),
  )
  model = new TableModel(device, logits)
  table = modelDrafter(model, { name: 'table' })
})

type Change = (session: DraftSession) => Partial<DraftSession>

/** The drafter of the table, with sessions that do something of their own. */
const changed = (change: Change): Drafter => ({
  ...table,
  open(options) {
    const sound = table.open(options)
    const session: DraftSession = {
      draft: (request) => sound.draft(request),
      keep: (...kept) => sound.keep(...kept),
      dispose: () => sound.dispose(),
    }
    return { ...session, ...change(sound) }
  },
})

/** Sessions whose requests are others. */
const asking = (request: (request: DraftRequest) => Partial<DraftRequest>): Drafter =>
  changed((sound) => ({ draft: (given) => sound.draft({ ...given, ...request(given) }) }))

/** Sessions whose drafts are others. */
const drafting = (draft: (draft: DrawnDraft, request: DraftRequest) => Partial<DrawnDraft>): Drafter =>
  changed((sound) => ({
    draft(request) {
      const { tokens, probabilities } = sound.draft(request) as DrawnDraft
      return { tokens, probabilities, ...draft({ tokens, probabilities }, request) }
    },
  }))

/** Ends a draft before its last token where that is odd: by what it then withholds. */
const withholding = defineKernel({
  name: 'withholding',
  source: `
struct Params { last: u32 }
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read_write> count: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;
@compute @workgroup_size(1)
fn main() { count[0] = max(1u, params.last + 1u - (tokens[params.last] & 1u)); }`,
})

function withheld(tokens: Tensor): Tensor {
  const count = device.empty([1], 'u32')
  device.run(withholding, { bindings: { tokens, count }, params: { last: tokens.size - 1 }, workgroups: [1] })
  return count
}

/** A drafter whose sessions are one, while there are several. */
function together(): Drafter {
  let session: DraftSession
  let open = 0
  return {
    ...table,
    open(options) {
      if (open++ === 0) session = table.open(options)
      return {
        draft: (request) => session.draft(request),
        keep: (length) => session.keep(length),
        dispose() {
          if (--open === 0) session.dispose()
        },
      }
    },
  }
}

it('the model of a table, which tests draft with, keeps what CausalLM promises', () => checkCausalLM(model))

describe('a drafter', () => {
  it('that keeps what Drafter promises passes: a model, and prompt lookup', async () => {
    await checkDrafter(table, { device, vocabularySize })
    await checkDrafter(promptLookup(), { device, vocabularySize })
  })

  it.each<DraftStop>([{ confidence: 0.4 }, { acceptance: 0.4 }])(
    'that ends early does, %o, also as one of several',
    async (stop) => {
      const stopping = modelDrafter(model, { stop })
      for (const drafter of [stopping, firstOf(promptLookup(), stopping)])
        await checkDrafter(drafter, { device, vocabularySize, prompt: [1, 2, 3, 4] })
    },
  )

  it('that drafts in parallel does, also as one of several', async () => {
    const rows = Array.from({ length: vocabularySize + 1 }, (_, x) =>
      Array.from({ length: vocabularySize + 1 }, (_, y) => 3 * Math.sin(3 * x + 5 * y)),
    )
    const model = new TableModel(device, rows, { maskTokenId: vocabularySize })
    const parallel = modelDrafter(model)
    for (const drafter of [parallel, firstOf(promptLookup(), parallel)])
      await checkDrafter(drafter, { device, vocabularySize, prompt: [1, 2, 3, 4] })
    model.dispose()
  })

  it('that is a transformer does, whose cache goes back', async () => {
    const stories = await loadCausalLM(testData('stories260K'), { device })
    await checkDrafter(modelDrafter(stories.model), { device, vocabularySize: 512 })
    stories.dispose()
  })

  let opened = 0
  it.each<[string, () => Drafter]>([
    ['it drafts after the prompt', () => changed(() => ({ draft: () => null }))],
    ['a draft has as many tokens as were asked for', () => asking(() => ({ draftLength: 3 }))],
    ['p is a distribution', () => drafting(({ probabilities: p }) => ({ probabilities: p && multiply(p, 0.9) }))],
    [
      'p is a distribution, in which what was drafted can be drawn',
      () =>
        drafting(({ tokens, probabilities }) => ({
          tokens: device.tensor(new Uint32Array(tokens.size).fill(6)),
          probabilities: probabilities ?? oneHot(tokens, vocabularySize),
        })),
    ],
    [
      'each token is drawn from its p',
      () => drafting(({ probabilities: p }) => ({ probabilities: p && add(multiply(p, 0.2), 0.8 / vocabularySize) })),
    ],
    [
      'each token is drawn from its p, by the numbers of its own',
      () => asking(({ offset }) => ({ offset: offset + 16 })),
    ],
    [
      'token i is drawn with the random number offset + i',
      () => asking(({ offset, draftLength }) => ({ offset: offset + 3 - draftLength })),
    ],
    [
      'under a constraint, too, each token that it waits for is drawn from its p',
      () =>
        changed((sound) => ({
          async draftConstrained(request) {
            const draft = (await sound.draftConstrained!(request))!
            const p = await draft.probabilities!.data()
            draft.probabilities!.write(p.map(() => 1 / vocabularySize))
            return draft
          },
        })),
    ],
    [
      'how many tokens are drafted does not depend',
      () =>
        asking(({ offset, draftLength }) => ({ draftLength: offset === 64 ? Math.min(2, draftLength) : draftLength })),
    ],
    [
      'the same request has the same draft',
      () =>
        changed((sound) => {
          const seed = opened++
          return { draft: (request) => sound.draft({ ...request, sampling: { ...request.sampling, seed } }) }
        }),
    ],
    [
      'how many of them are proposed is at least one, and depends on those alone',
      () => drafting(({ tokens }) => ({ count: withheld(tokens) })),
    ],
    [
      'what it offers it drafts',
      () => changed(() => ({ offers: (_, limit) => [{ source: 'table', kind: '', length: limit + 1 }] })),
    ],
    ['once it is told what is kept', () => changed(() => ({ keep() {} }))],
    ['sessions are apart', together],
    [
      'where the sequence has grown to its capacity',
      () =>
        changed((sound) => ({
          draft(request) {
            if (request.tokens.length > 22) throw new Error('no room')
            return sound.draft(request)
          },
        })),
    ],
    ['it leaves nothing on the device', () => changed(() => ({ dispose() {} }))],
  ])('that breaks one is told: %s', async (promise, make) => {
    await expect(checkDrafter(make(), { device, vocabularySize })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^Drafter table does not keep a promise: /),
      details: { promise: expect.stringContaining(promise) },
    })
  })
})
