import type { Device } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { isAllowed, LogitsProcessor, resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { TableConstraint } from '../constraint.fixture'
import { fixedDraftLength } from '../draft-length/policy'
import { referenceDistribution, referenceLogits } from '../reference-distribution.fixture'
import { letters, TableModel } from '../table-model.fixture'
import { verificationNames, verificationRule } from '../verification/by-name'
import { draftEnd } from './draft-end.fixture'
import {
  answerError,
  drawnProposals,
  type Enumeration,
  knownProposal,
  type Proposal,
} from './enumerated-answers.fixture'
import { modelDrafter } from './model-drafter'
import { promptLookup } from './prompt-lookup'
import { rowsOfP } from './rows-of-p.fixture'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const target = [
  [0.2, 1.4, 0.3],
  [1.1, -0.4, 0.9],
  [0.1, 0.8, -0.6],
]
const draft = [
  [2.1, 0.4, 0.3],
  [0.2, 0.5, 0.1],
  [-0.6, 1.4, 0.9],
]
const prompt = [0, 1, 0, 1]
const length = 3

const penalties = { presencePenalty: 0.4, frequencyPenalty: -0.3, repetitionPenalty: 1.5 }
const logitBias = { 0: -0.7, 2: 0.4 }
const constraint = new TableConstraint([[1, 2], null, [0]])

interface Processing {
  sampling: SamplingOptions
  constraint?: TableConstraint
}
const processings: Record<string, Processing> = {
  'penalties, greedy': { sampling: { temperature: 0, ...penalties } },
  penalties: { sampling: { temperature: 1, ...penalties } },
  'a bias, and min-p': { sampling: { temperature: 1.3, logitBias, minP: 0.5 } },
  'a constraint': { sampling: { temperature: 1 }, constraint },
  'a constraint, greedy': { sampling: { temperature: 0 }, constraint },
  'all of them': { sampling: { temperature: 0.8, topK: 2, topP: 0.9, minP: 0.1, logitBias, ...penalties }, constraint },
}

/** The constraint after what was said; null where that is not allowed. */
function walked(given: TableConstraint, said: readonly number[]): TableConstraint | null {
  const walker = given.clone()
  for (const token of said) {
    if (!isAllowed(walker.allowed(), token)) return null
    walker.accept(token)
  }
  return walker
}

/** What is allowed after a text; behind what is not, all is. */
const allowedAfter = ({ constraint }: Processing, said: readonly number[]) =>
  (constraint && walked(constraint, said)?.allowed()) ?? null

/** A table's distribution after a text, as tokens are drawn from it, of some ids alone. */
function distribution(
  table: readonly (readonly number[])[],
  text: readonly number[],
  { sampling }: Processing,
  { allowed = null, ids = [0, 1, 2] }: { allowed?: Uint32Array | null; ids?: readonly number[] } = {},
): number[] {
  const said = text.slice(prompt.length)
  const logits = referenceLogits(table[text.at(-1)!]!, sampling, { prompt, said, allowed })
  // A head whose ids are all masked is even among them, and no token of it is accepted.
  const some = ids.map((id) => Math.max(logits[id]!, -3e38))
  const drawn = referenceDistribution(some, sampling)
  return logits.map((_, id) => drawn[ids.indexOf(id)] ?? 0)
}

const q = (processing: Processing) => (text: readonly number[]) =>
  distribution(target, text, processing, { allowed: allowedAfter(processing, text.slice(prompt.length)) })

/**
 * What a model's drafted tokens are drawn from.
 *
 * @param options.known  of so many of the tokens it is known what is allowed
 */
const p =
  (
    processing: Processing,
    text: readonly number[],
    { table = draft, ids = [0, 1, 2], known = Number.POSITIVE_INFINITY } = {},
  ) =>
  (drafted: readonly number[]) =>
    distribution(table, [...text, ...drafted], processing, {
      ids,
      allowed: drafted.length < known ? allowedAfter(processing, [...text.slice(prompt.length), ...drafted]) : null,
    })

type Drafts = (processing: Processing, text: readonly number[], draftLength: number) => Proposal[]

const all = (tokens: readonly number[]) => tokens.length

const drafts: Record<string, Drafts> = {
  'a model': (processing, text, draftLength) => drawnProposals(p(processing, text), { draftLength, end: all }),
  'a model that knows what is allowed first': (processing, text, draftLength) =>
    drawnProposals(p(processing, text, { known: 1 }), { draftLength, end: all }),
  'a model that stops': (processing, text, draftLength) => {
    const row = p(processing, text)
    const end = (tokens: readonly number[]) =>
      draftEnd(
        { confidence: 0.5 },
        tokens.map((_, i) => row(tokens.slice(0, i))),
        tokens,
      )
    return drawnProposals(row, { draftLength, end })
  },
  'a trimmed model': (processing, text, draftLength) =>
    drawnProposals(p(processing, text, { ids: [0, 1] }), { draftLength, end: all }),
  // Its rows know nothing of what is drafted; what is done to them does.
  'a parallel model': (processing, text, draftLength) =>
    drawnProposals(p(processing, text, { table: draft.map(() => draft[text.at(-1)!]!) }), { draftLength, end: all }),
  lookups: (_, tokens, draftLength) => {
    const session = promptLookup().open({ device, vocabularySize: 3, capacity: 64 })
    const request = { tokens, draftLength, sampling: resolveSampling(), offset: 0 }
    const known = session.offers!(tokens, draftLength).length > 0 ? session.draft(request) : null
    return [knownProposal(known && 'ids' in known ? known.ids : [], 3)]
  },
}

function enumerated(
  name: (typeof verificationNames)[number],
  processing: Processing,
  proposals: Drafts,
  more: Partial<Enumeration> = {},
) {
  return answerError({
    rule: verificationRule(name),
    target: q(processing),
    // Every length is asked for; what comes of it is the drafts'.
    open: () => ({
      offers: (_, limit) => [{ source: 'model', kind: '', length: limit }],
      draft: () => null,
      keep() {},
      dispose() {},
    }),
    proposals: (_, { tokens, draftLength }) => proposals(processing, tokens, draftLength),
    policy: () => fixedDraftLength(2),
    prompt,
    length,
    ...more,
  }).error
}

describe.each(verificationNames)('drafts with processed logits under %s verification, by enumeration', (name) => {
  const each = Object.keys(drafts).flatMap((how) =>
    Object.keys(processings)
      .filter((what) => processings[what]!.constraint || !how.includes('allowed'))
      .map((what) => [how, what] as const),
  )
  it.each(each)("of %s keep the target's distribution with %s", (how, what) => {
    expect(enumerated(name, processings[what]!, drafts[how]!)).toBeLessThan(1e-6)
  })

  it('notice a target whose penalties do not count the drafted tokens', () => {
    const processing = processings.penalties!
    const verified = (text: readonly number[], drafted: readonly number[]) =>
      distribution(
        target.map((_, last) => target[drafted.at(-1) ?? last]!),
        text,
        processing,
      )
    expect(enumerated(name, processing, drafts['a model']!, { verified })).toBeGreaterThan(0.003)
  })

  it('notice a draft whose p is masked, and whose tokens are not', () => {
    const processing = processings['a constraint']!
    const masked: Drafts = (processing, text, draftLength) =>
      drawnProposals(p(processing, text, { known: 1 }), { draftLength, end: all }).map((one) => ({
        ...one,
        p: one.ids.map((_, i) => p(processing, text)(one.ids.slice(0, i))),
      }))
    expect(enumerated(name, processing, masked)).toBeGreaterThan(0.003)
  })

  it('notice a draft that withholds a token because it is not allowed', () => {
    const processing = processings['a constraint']!
    const withheld: Drafts = (processing, text, draftLength) =>
      drawnProposals(p(processing, text, { known: 1 }), {
        draftLength,
        end: (tokens) => {
          const first = tokens.findIndex(
            (_, i) => !walked(constraint, [...text.slice(prompt.length), ...tokens.slice(0, i + 1)]),
          )
          return first < 0 ? tokens.length : first
        },
      })
    expect(enumerated(name, processing, withheld)).toBeGreaterThan(0.003)
  })
})

describe('drafts under a constraint', () => {
  const made: Record<string, (model: typeof TableModel) => TableModel> = {
    'a model': (Model) => new Model(device, draft),
    'a trimmed model': (Model) => new Model(device, draft, { coveredIds: [0, 1] }),
    'a parallel model': (Model) =>
      new Model(
        device,
        [...draft, draft[1]!].map((row) => [...row, 0]),
        { maskTokenId: 3 },
      ),
  }
  it.each(Object.keys(made))(
    'of %s are drawn on the device from what the enumeration has, and are allowed',
    async (name) => {
      const model = made[name]!(TableModel)
      const drafter = modelDrafter(model)
      const processing = processings['all of them']!
      const text = [...prompt, 1]
      for (const temperature of [1.4, 0]) {
        const sampling = resolveSampling({ ...processing.sampling, temperature, seed: 3 })
        const processor = LogitsProcessor.of(letters(model), { sampling, prompt, constraint })!
        processor.accept([1])
        const session = drafter.open({ device, vocabularySize: 3, capacity: 32 })
        for (let offset = 0; offset < 640; offset += 64) {
          const request = { tokens: text, draftLength: 4, sampling, processor, offset }
          const drafted = (await session.draftConstrained!(request))!
          const { tokens, known } = drafted
          const ids = [...(await tokens.data())]
          expect(known).toEqual(ids)
          const rows = await rowsOfP(drafted, 3)
          // A trimmed head may have nothing that is allowed; behind that, nothing is drawn.
          const kept = ids.findIndex((_, i) => !walked(constraint, [1, ...ids.slice(0, i + 1)]))
          if (name === 'a model') expect(kept).toBe(-1)
          for (let i = 0; i < (kept < 0 ? ids.length : kept); i++) {
            const shape = name === 'a trimmed model' ? { ids: [0, 1] } : {}
            const table = name === 'a parallel model' ? draft.map(() => draft[1]!) : draft
            const expected = p({ ...processing, sampling }, text, { ...shape, table })(ids.slice(0, i))
            await expectAllClose(rows[i]!, expected, { absolute: 1e-5, relative: 0 })
            expect(rows[i]![ids[i]!]).toBeGreaterThan(0)
          }
          session.keep(text.length - 1)
        }
        session.dispose()
        processor.dispose()
      }
      model.dispose()
    },
  )
})
