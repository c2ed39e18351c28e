import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import type { SamplingOptions } from '@outrider/transformer'
import { resolveSampling } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { autoDraftLength } from '../draft-length/auto'
import { type DraftLengthPolicy, fixedDraftLength } from '../draft-length/policy'
import { referenceDistribution } from '../reference-distribution.fixture'
import { probabilityOf, sequences } from '../testing/chains'
import { verdictMeasure } from '../testing/law'
import { blockVerification } from '../verification/block'
import type { VerificationRule } from '../verification/rule'
import { tokenVerification } from '../verification/token'
import { answerLookup } from './answer-lookup'
import { AnswerTable } from './answer-table'
import { type Drafter, offersOf } from './drafter'
import { firstOf } from './first-of'
import { promptLookup } from './prompt-lookup'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const logits = [
  [0.2, 1.4, 0.3],
  [1.1, -0.4, 0.9],
  [0.1, 0.8, -0.6],
]
const prompt = [0, 1, 2, 0, 1]
const length = 4

const table = new AnswerTable({ vocabularySize: 3, fingerprint: 'three letters' })
table.add([2, 0, 2, 1, 1, 0])

const drafters: Record<string, Drafter> = {
  'the conversation': promptLookup(),
  'the answers': answerLookup(table),
  both: firstOf(promptLookup({ minNgram: 2 }), answerLookup(table)),
}

/** What a generation is before a block: what it said, and how its blocks went, on which the next may depend. */
interface State {
  said: number[]
  blocks: { drafted: number; accepted: number }[]
  probability: number
}

/**
 * The law of the first tokens of an answer, exactly: from block to block, with the lookups as they are after every text that may
 * have come out, over every outcome of the rule's reference.
 */
function lawOf(rule: VerificationRule, drafter: Drafter, rows: number[][], policy: () => DraftLengthPolicy) {
  const law = new Map<string, number>()
  const visit = ({ said, blocks, probability }: State): void => {
    if (said.length >= length) {
      const name = said.slice(0, length).join()
      law.set(name, (law.get(name) ?? 0) + probability)
      return
    }
    const tokens = [...prompt, ...said]
    const ids = drafted(drafter, policy(), tokens, blocks)
    const states = [tokens.at(-1)!, ...ids]
    const p = ids.map((id) => rows.map((_, x) => (x === id ? 1 : 0)))
    const q = states.map((state) => rows[state]!)
    const verdicts = verdictMeasure((uniforms) => rule.reference({ p, q, tokens: ids, uniforms }), ids.length + 1)
    for (const [{ accepted, next }, measure] of verdicts)
      visit({
        said: [...said, ...ids.slice(0, accepted), next],
        blocks: [...blocks, { drafted: ids.length, accepted }],
        probability: probability * measure,
      })
  }
  visit({ said: [], blocks: [], probability: 1 })
  return law
}

/** What is drafted after these tokens, by a policy that has seen these blocks. */
function drafted(drafter: Drafter, policy: DraftLengthPolicy, tokens: number[], blocks: State['blocks']): number[] {
  const session = drafter.open({ device, vocabularySize: 3, capacity: 64 })
  let after = prompt.length
  for (const { drafted, accepted } of blocks) {
    const choice = policy.next(offersOf(drafter, session, { tokens: tokens.slice(0, after), limit: 2 }))
    policy.observe({ drafted, accepted, offer: choice?.offer, seconds: 1 })
    after += accepted + 1
  }
  const choice = policy.next(offersOf(drafter, session, { tokens, limit: 2 }))
  const draft = choice && session.draft({ tokens, ...choice, sampling: resolveSampling(), offset: 0 })
  return draft && 'ids' in draft ? [...draft.ids] : []
}

const costs = { draftSeconds: 0, targetSeconds: [1, 3].map((rows) => ({ rows, seconds: 0.7 + rows * 0.3 })) }
const policies: Record<string, () => DraftLengthPolicy> = {
  'γ = 2': () => fixedDraftLength(2),
  auto: () => autoDraftLength({ costs, learnsTimes: false }),
}

describe.each([tokenVerification, blockVerification])(
  'looked-up drafts under $name verification, enumerated',
  (rule) => {
    const cases = Object.keys(drafters).flatMap((name) => Object.keys(policies).map((how) => [name, how] as const))
    it.each(cases)("from %s, %s, keep the target's distribution at every sampling", (name, how) => {
      const samplings: SamplingOptions[] = [
        { temperature: 1 },
        { temperature: 0.6, topK: 2 },
        { temperature: 1.4, topP: 0.8 },
      ]
      for (const sampling of samplings) {
        const rows = logits.map((row) => referenceDistribution(row, sampling))
        const law = lawOf(rule, drafters[name]!, rows, policies[how]!)
        const errors = sequences(3, length).map((sequence) =>
          Math.abs((law.get(sequence.join()) ?? 0) - probabilityOf(rows, prompt.at(-1)!, sequence)),
        )
        expect(Math.max(...errors)).toBeLessThan(1e-6)
      }
    })
  },
)

it('notices a rule that refuses a looked-up draft more often than it makes up for', () => {
  const rows = logits.map((row) => referenceDistribution(row, { temperature: 1 }))
  const distrustful: VerificationRule = {
    ...tokenVerification,
    reference: (input) => ({ ...tokenVerification.reference(input), ...(input.uniforms[0]! < 0.5 && { accepted: 0 }) }),
  }
  const law = lawOf(distrustful, drafters.both!, rows, policies['γ = 2']!)
  const errors = sequences(3, length).map((sequence) =>
    Math.abs((law.get(sequence.join()) ?? 0) - probabilityOf(rows, prompt.at(-1)!, sequence)),
  )
  expect(Math.max(...errors)).toBeGreaterThan(0.01)
})
