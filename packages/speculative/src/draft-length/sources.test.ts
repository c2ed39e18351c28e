import { expect, it } from 'vitest'
import type { Offer } from '../drafter/drafter'
import { autoDraftLength } from './auto'
import type { DraftLengthPolicy } from './policy'
import { blockSeconds, type StepCosts, targetPassSeconds } from './step-costs'

/** Each row adds a tenth of a pass, and a draft step takes a fifth. */
const costs: StepCosts = {
  draftSeconds: 0.2,
  targetSeconds: [1, 16].map((rows) => ({ rows, seconds: 0.9 + rows * 0.1 })),
}
const short: Offer = { source: 'prompt', kind: '1', length: 15 }
const long: Offer = { source: 'prompt', kind: '4+', length: 15 }
const model: Offer = { source: 'model', kind: '', length: 15, unread: 1 }

/** Blocks with these offers, of which each token is accepted as often as `alpha` says; what was chosen. */
function run(policy: DraftLengthPolicy, offers: Offer[], alpha: (offer: Offer) => number, blocks: number) {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Array.from({ length: blocks }, () => {
    const choice = policy.next(offers)
    const drafted = choice?.draftLength ?? 0
    let accepted = 0
    while (accepted < drafted && random() < alpha(choice!.offer)) accepted++
    const rows = targetPassSeconds(costs, drafted + 1)
    const seconds = choice?.offer.unread === undefined ? rows : blockSeconds(costs, drafted)
    policy.observe({ drafted, accepted, offer: choice?.offer, seconds })
    return choice
  })
}

const share = (chosen: ReturnType<typeof run>, offer: Offer | null) =>
  chosen.filter((choice) => (choice?.offer ?? null) === offer).length / chosen.length
const meanLength = (chosen: ReturnType<typeof run>) =>
  chosen.reduce((sum, choice) => sum + (choice?.draftLength ?? 0), 0) / chosen.length

it('verifies the kinds of a source that are accepted, at their own lengths, and not those that are refused', () => {
  const policy = autoDraftLength({ costs })
  const alpha = ({ kind }: Offer) => (kind === '4+' ? 0.9 : 0.05)
  for (let i = 0; i < 40; i++) for (const offer of [short, long]) run(policy, [offer], alpha, 1)
  expect(share(run(policy, [short], alpha, 60), null)).toBeGreaterThan(0.9)
  const taken = run(policy, [long], alpha, 60)
  expect(share(taken, long)).toBe(1)
  expect(meanLength(taken)).toBeGreaterThan(5)
})

it('takes a lookup before a model that is as often right, and the model before a lookup that is not', () => {
  const right = () => 0.7
  expect(share(run(autoDraftLength({ costs }), [model, long], right, 200), long)).toBeGreaterThan(0.9)
  const wrong = ({ source }: Offer) => (source === 'model' ? 0.85 : 0.1)
  expect(share(run(autoDraftLength({ costs }), [long, model], wrong, 400).slice(100), model)).toBeGreaterThan(0.85)
})

it('goes by what a drafter expects of each token, until it is counted', () => {
  const sure = { ...short, length: 4, acceptance: [0.9, 0.9, 0.9, 0.1] }
  const unsure = { ...long, length: 4, acceptance: [0.05, 0.9, 0.9, 0.9] }
  expect(autoDraftLength({ costs }).next([unsure, sure])).toMatchObject({ offer: sure, draftLength: 3 })
  expect(autoDraftLength({ costs }).next([unsure])).toBeNull()
  const policy = autoDraftLength({ costs })
  for (let i = 0; i < 40; i++) policy.observe({ drafted: 4, accepted: 0, offer: sure, seconds: 1.4 })
  expect(policy.next([sure])).toBeNull()
})

it('probes a kind that was refused, and takes it again once it is accepted', () => {
  const policy = autoDraftLength({ costs })
  run(policy, [short], () => 0, 100)
  expect(
    share(
      run(policy, [short], () => 0, 400),
      short,
    ),
  ).toBeLessThan(0.1)
  expect(share(run(policy, [short], () => 0.9, 3000).slice(1500), short)).toBeGreaterThan(0.9)
})

it('takes it that a source which has not drafted yet is as much faster than was measured as plain blocks are', () => {
  const policy = autoDraftLength({ costs })
  expect(policy.next([long])).not.toBeNull()
  for (let i = 0; i < 60; i++) policy.observe({ drafted: 0, accepted: 0, seconds: 0.4 })
  expect(policy.next([long])).not.toBeNull()
})

it('repeats itself given the same observations, whatever the clock says where it looks at none', () => {
  const chosen = (slow: number) => {
    const policy = autoDraftLength({ costs, learnsTimes: false })
    const observe: DraftLengthPolicy['observe'] = (block) => policy.observe({ ...block, seconds: block.seconds * slow })
    return run({ next: policy.next, observe }, [short, long, model], ({ kind }) => (kind === '1' ? 0.3 : 0.6), 200)
  }
  expect(chosen(1)).toEqual(chosen(50))
})
