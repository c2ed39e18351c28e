import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { autoDraftLength } from '../draft-length/auto'
import { type DraftLengthPolicy, fixedDraftLength } from '../draft-length/policy'
import { referenceDistribution } from '../reference-distribution.fixture'
import { verificationNames, verificationRule } from '../verification/by-name'
import type { VerificationRule } from '../verification/rule'
import { tokenVerification } from '../verification/token'
import { answerLookup } from './answer-lookup'
import { AnswerTable } from './answer-table'
import { draftEnd } from './draft-end.fixture'
import type { DraftStop } from './draft-stop'
import type { Drafter, Offer } from './drafter'
import {
  answerError,
  drawnProposals,
  knownProposal,
  type Proposals,
  parallelProposals,
} from './enumerated-answers.fixture'
import { firstOf } from './first-of'
import { promptLookup } from './prompt-lookup'

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
/** What the rows of masks add to the logits after the text's last symbol, by position behind the first. */
const masked = [[0.9, -0.8, 0.2]]
const prompt = [0, 1, 2, 0, 1]
const length = 4

const table = new AnswerTable({ vocabularySize: 3, fingerprint: 'three letters' })
table.add([2, 0, 2, 1, 1, 0])

/** A model in the place of which its law stands. */
const modelThat = (does: Pick<Offer, 'stops' | 'parallel'>): Drafter => ({
  name: 'model',
  parameterCount: 1,
  open: () => ({
    offers: (_, limit) => [{ source: 'model', kind: '', length: limit, unread: 1, ...does }],
    draft: () => null,
    keep() {},
    dispose() {},
  }),
})
const model = modelThat({ stops: true })
const parallel = modelThat({ parallel: true })

/** The ids that a trimmed model says; all others have p = 0. */
const covered = [0, 1]
const everyId = [0, 1, 2]

interface Case {
  drafter: Drafter
  ids?: number[]
  stop?: DraftStop
  /** In place of the end that the stop has. */
  end?: (rows: readonly (readonly number[])[], tokens: readonly number[]) => number
}

const [confidence, acceptance]: DraftStop[] = [{ confidence: 0.5 }, { acceptance: 0.6 }]
const cases: Record<string, Case> = {
  'looked up in the conversation': { drafter: promptLookup() },
  'looked up in the answers': { drafter: answerLookup(table) },
  'looked up in both': { drafter: firstOf(promptLookup({ minNgram: 2 }), answerLookup(table)) },
  'drawn from a trimmed model': { drafter: model, ids: covered },
  'stopped by confidence': { drafter: model, stop: confidence! },
  'stopped by acceptance': { drafter: model, stop: { acceptance: 0.55 } },
  'trimmed and stopped by confidence': { drafter: model, ids: covered, stop: confidence! },
  'trimmed and stopped by acceptance': { drafter: model, ids: covered, stop: acceptance! },
  'looked up, else trimmed and stopped': {
    drafter: firstOf(promptLookup({ minNgram: 2 }), model),
    ids: covered,
    stop: confidence!,
  },
  'drawn in parallel': { drafter: parallel },
  'drawn in parallel from a trimmed model': { drafter: parallel, ids: covered },
  'looked up, else drawn in parallel': { drafter: firstOf(promptLookup({ minNgram: 2 }), parallel) },
  'looked up twice, else drawn in parallel from a trimmed model': {
    drafter: firstOf(promptLookup({ minNgram: 2 }), answerLookup(table), parallel),
    ids: covered,
  },
  'looked up twice, else trimmed and stopped': {
    drafter: firstOf(promptLookup({ minNgram: 2 }), answerLookup(table), model),
    ids: covered,
    stop: acceptance!,
  },
}

/** What a draft of some ids is drawn from after each symbol. */
const rowsOver = (ids: readonly number[], sampling: SamplingOptions, table = draft) =>
  table.map((logits) => {
    const some = referenceDistribution(
      ids.map((id) => logits[id]!),
      sampling,
    )
    return logits.map((_, id) => some[ids.indexOf(id)] ?? 0)
  })

function proposalsOf({ ids = everyId, stop: own, end }: Case, sampling: SamplingOptions): Proposals {
  const p = rowsOver(ids, sampling)
  // A greedy draft is as sure as the softmax of its logits.
  const sure = sampling.temperature === 0 ? rowsOver(ids, { temperature: 1 }) : p
  return (session, request) => {
    const { tokens, offer, draftLength } = request
    if (offer.source !== 'model') {
      const known = session.draft({ ...request, sampling: resolveSampling(), offset: 0 })
      return [knownProposal(known && 'ids' in known ? known.ids : [], 3)]
    }
    const last = tokens.at(-1)!
    if (offer.parallel) {
      const tables = [draft, ...masked.map((added) => draft.map((logits) => logits.map((z, id) => z + added[id]!)))]
      return parallelProposals(tables.slice(0, draftLength).map((table) => rowsOver(ids, sampling, table)[last]!))
    }
    const stop = own ?? request.stop
    const ends = end ?? (stop ? draftEnd.bind(null, stop) : (_: unknown, tokens: readonly number[]) => tokens.length)
    const rows = (drafted: readonly number[]) => [last, ...drafted].slice(0, drafted.length).map((x) => sure[x]!)
    return drawnProposals((drafted) => p[drafted.at(-1) ?? last]!, {
      draftLength,
      end: (drafted) => ends(rows(drafted), drafted),
    })
  }
}

const samplings: SamplingOptions[] = [
  { temperature: 0 },
  { temperature: 1 },
  { temperature: 0.6, topK: 2 },
  { temperature: 1.4, topP: 0.8 },
]

const costs = {
  draftSeconds: 0.02,
  skippedSeconds: 0.005,
  targetSeconds: [1, 3].map((rows) => ({ rows, seconds: 0.7 + rows * 0.3 })),
}
const policies: Record<string, () => DraftLengthPolicy> = {
  'γ = 2': () => fixedDraftLength(2),
  'γ = 2 with stops': () =>
    autoDraftLength({ costs, learnsTimes: false, stops: true, draftLength: 2, probeInterval: 1 }),
  auto: () => autoDraftLength({ costs, learnsTimes: false }),
  'auto with stops': () => autoDraftLength({ costs, learnsTimes: false, stops: true, probeInterval: 1 }),
}

function enumerated(what: Case, sampling: SamplingOptions, rule: VerificationRule, how: string) {
  return answerError({
    rule,
    target: target.map((logits) => referenceDistribution(logits, sampling)),
    open: () => what.drafter.open({ device, vocabularySize: 3, capacity: 64 }),
    proposals: proposalsOf(what, sampling),
    policy: policies[how]!,
    prompt,
    length,
  })
}

describe.each(verificationNames)('drafts under %s verification, by enumeration', (name) => {
  const each = Object.keys(cases).flatMap((what) => Object.keys(policies).map((how) => [what, how] as const))
  it.each(each)("%s, %s, keep the target's distribution at every sampling", (what, how) => {
    for (const sampling of samplings) {
      const { error } = enumerated(cases[what]!, sampling, verificationRule(name), how)
      expect(error).toBeLessThan(1e-6)
    }
  })

  it('notices a draft that withholds the token that it drew because it is unlikely', () => {
    const end: Case['end'] = (rows, tokens) => {
      const first = tokens.findIndex((x, i) => rows[i]![x]! < 0.5)
      return first < 0 ? tokens.length : first
    }
    const { error } = enumerated({ drafter: model, end }, { temperature: 1 }, verificationRule(name), 'γ = 2')
    expect(error).toBeGreaterThan(0.01)
  })
})

it.each(verificationNames)(
  '%s verification notices a parallel draft that says that a token goes by the one before it',
  (name) => {
    const [rule, sampling] = [verificationRule(name), { temperature: 1 }]
    const honest = proposalsOf({ drafter: parallel }, sampling)
    const p = rowsOver(everyId, sampling)
    const { error } = answerError({
      rule,
      target: target.map((logits) => referenceDistribution(logits, sampling)),
      open: () => parallel.open({ device, vocabularySize: 3, capacity: 64 }),
      proposals: (session, request) =>
        honest(session, request).map((proposal) => ({
          ...proposal,
          p: [request.tokens.at(-1)!, ...proposal.ids].slice(0, proposal.ids.length).map((symbol) => p[symbol]!),
        })),
      policy: policies['γ = 2']!,
      prompt,
      length,
    })
    expect(error).toBeGreaterThan(0.01)
  },
)

it('drafts of all these kinds do end early, and are of all lengths', () => {
  for (const what of Object.values(cases).filter(({ stop }) => stop)) {
    const { lengths } = enumerated(what, { temperature: 1 }, tokenVerification, 'γ = 2')
    expect(lengths).toEqual(expect.arrayContaining([1, 2]))
  }
})

it('notices a rule that refuses a looked-up draft more often than it makes up for', () => {
  const distrustful: VerificationRule = {
    ...tokenVerification,
    reference: (input) => ({ ...tokenVerification.reference(input), ...(input.uniforms[0]! < 0.5 && { accepted: 0 }) }),
  }
  const { error } = enumerated(cases['looked up in both']!, { temperature: 1 }, distrustful, 'γ = 2')
  expect(error).toBeGreaterThan(0.01)
})
