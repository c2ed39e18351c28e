import { type Device, samplingDistribution, uniform01 } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { oneHot } from '../drafter/probability-rows'
import { blockVerification } from './block'
import { cautiousVerification } from './cautious.fixture'
import { greedyVerdict } from './greedy-verdict'
import { tokenVerification } from './token'
import { verdictOfIds } from './verdict-of-ids'
import { readVerdict } from './verify'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const vocabulary = 37

describe.each([tokenVerification, blockVerification])('a greedy verdict by $name verification', (rule) => {
  /** The words by places, and those of the rule over all ids. */
  async function both(tokens: number[], logits: number[][], count?: number) {
    const results = device.scope(() => {
      const input = {
        tokens: device.tensor(Uint32Array.from(tokens)),
        uniforms: device.tensor(Float32Array.from({ length: tokens.length + 1 }, (_, i) => uniform01(3, i))),
        count: count === undefined ? undefined : device.tensor(Uint32Array.of(count)),
      }
      const rows = device.tensor(Float32Array.from(logits.flat()), { shape: [tokens.length + 1, vocabulary] })
      const [p, q] = [oneHot(input.tokens, vocabulary), samplingDistribution(rows, { temperature: 0 })]
      return [greedyVerdict(rule, rows, input), rule.verify({ p, q, ...input })]
    })
    const words = await Promise.all(results.map((result) => result.data()))
    for (const result of results) result.dispose()
    return words
  }

  /** The verdict on the host, of the target's ids. */
  const told = (tokens: number[], ids: number[], count?: number) =>
    verdictOfIds(rule, {
      ...{ tokens, ids, count, vocabularySize: vocabulary },
      uniforms: Float32Array.from({ length: ids.length }, (_, i) => uniform01(3, i)),
    })
  /** Logits that are largest at an id. */
  const saying = (id: number) => Array.from({ length: vocabulary }, (_, x) => (x === id ? 9 : uniform01(id, x)))

  it.each([
    ['accepted whole', [5, 36, 0], [5, 36, 0, 7], 3],
    ['refused at once', [5, 6, 7], [4, 6, 7, 8], 0],
    ['refused later, where a token comes again', [5, 5, 5, 6], [5, 5, 6, 5, 5], 2],
    ['of one token', [11], [11, 11], 1],
    ['whose next token was drafted before', [1, 2, 3], [1, 2, 1, 2], 2],
  ])('on a draft that is %s is that over all ids', async (_, tokens, says, accepted) => {
    const [places, ids] = await both(tokens, says.map(saying))
    expect(places).toEqual(ids)
    expect([...places!.slice(0, 2 + tokens.length)]).toEqual([accepted, says[accepted], ...tokens])
    expect(told(tokens, says)).toEqual(readVerdict(places as Uint32Array))
  })

  it('leaves out what is not proposed', async () => {
    const [places, ids] = await both([4, 5, 6], [4, 5, 6, 7].map(saying), 1)
    expect(places).toEqual(ids)
    expect([...places!.slice(0, 5)]).toEqual([1, 5, 4, 0xffffffff, 0xffffffff])
    expect(told([4, 5, 6], [4, 5, 6, 7], 1)).toEqual(readVerdict(places as Uint32Array))
  })

  it('says whose fault it is that a row is no distribution', async () => {
    const broken = saying(5).fill(Number.NaN, 3, 4)
    const [places, ids] = await both([4, 5], [saying(4), broken, saying(6)])
    expect(places).toEqual(ids)
    expect([...places!.slice(0, 2)]).toEqual([2, 0xffffffff])
    const [foreign] = await both([4, 0xffffffff], [4, 5, 6].map(saying))
    expect([...foreign!.slice(0, 2)]).toEqual([1, 0xffffffff])
    expect(() => told([4, 5], [4, 0xffffffff, 6])).toThrow(/^The target/)
    expect(() => told([4, 0xffffffff], [4, 5, 6])).toThrow(/^The draft/)
    expect(() => told([4, 0xffffffff], [0xffffffff, 5, 6])).toThrow(/^The target/)
    // Behind what is proposed anything may stand.
    expect(told([4, 0xffffffff], [4, 5, 0xffffffff], 1)).toMatchObject({
      accepted: 1,
      next: 5,
      drafted: [4],
      computed: 2,
    })
  })
})

it('of ids that were read is what the rule says, where that is no more than exact', async () => {
  const [tokens, ids] = [
    [5, 6, 7],
    [5, 6, 7, 8],
  ]
  const seen = new Set<number>()
  for (let seed = 0; seed < 8; seed++) {
    const uniforms = Float32Array.from(ids, (_, i) => uniform01(seed, i))
    using result = device.scope(() => {
      const input = { tokens: device.tensor(Uint32Array.from(tokens)), uniforms: device.tensor(uniforms) }
      const q = samplingDistribution(
        device.tensor(
          Float32Array.from({ length: 4 * vocabulary }, (_, i) =>
            i % vocabulary === ids[Math.floor(i / vocabulary)] ? 9 : 0,
          ),
          {
            shape: [4, vocabulary],
          },
        ),
        { temperature: 0 },
      )
      return cautiousVerification.verify({ p: oneHot(input.tokens, vocabulary), q, ...input })
    })
    const verdict = verdictOfIds(cautiousVerification, { tokens, ids, uniforms, vocabularySize: vocabulary })
    expect(verdict).toEqual(readVerdict((await result.data()) as Uint32Array))
    expect(verdict.next).toBe(ids[verdict.accepted])
    seen.add(verdict.accepted)
  }
  expect(seen.size).toBeGreaterThan(1)
})
