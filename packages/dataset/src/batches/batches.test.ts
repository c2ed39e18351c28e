import { describe, expect, it } from 'vitest'
import { rows } from '../sources/rows'
import { chatSpeaker } from '../tiny-model.fixture'
import { type Batch, toBatch } from './batch'
import { batchesOnce, batchStream } from './batch-stream'
import { mix } from './mix'
import { rowLength } from './row-length'
import { shuffled } from './shuffle'

/** Rows whose first token tells which they are. */
const numbered = (from: number, count: number) =>
  rows(Array.from({ length: count }, (_, i) => ({ kind: 'tokens', tokens: [from + i, 9, 9], lossMask: [1, 1, 1] })))

const firsts = ({ tokens, batchSize, length }: Batch) =>
  Array.from({ length: batchSize }, (_, i) => tokens[i * length]!)

describe('toBatch', () => {
  it('shifts labels and mask by one and pads on the right to a multiple of eight', () => {
    const batch = toBatch([
      { tokens: [5, 6, 7], lossMask: [1, 0, 1] },
      { tokens: [8, 9], lossMask: [0, 1] },
    ])
    const padded = (...values: number[]) => [...values, ...new Array(8 - values.length).fill(0)]
    expect(batch).toMatchObject({ batchSize: 2, length: 8 })
    expect([...batch.tokens]).toEqual([...padded(5, 6), ...padded(8)])
    expect([...batch.labels]).toEqual([...padded(6, 7), ...padded(9)])
    expect([...batch.lossMask]).toEqual([...padded(0, 1), ...padded(1)])
  })
})

describe('shuffled', () => {
  it('is a permutation, the same for the same seed, another for another epoch', () => {
    const order = [...shuffled(50, 1, 0)]
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect([...shuffled(50, 1, 0)]).toEqual(order)
    expect([...shuffled(50, 1, 1)]).not.toEqual(order)
    expect([...shuffled(50, 2, 0)]).not.toEqual(order)
  })

  it('puts every element in every place equally often', () => {
    const counts = Array.from({ length: 4 }, () => new Array(4).fill(0) as number[])
    for (let epoch = 0; epoch < 4000; epoch++)
      for (const [at, i] of [...shuffled(4, 0, epoch)].entries()) counts[at]![i]!++
    const chiSquare = counts.flat().reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)
    expect(chiSquare).toBeLessThan(28) // 9 degrees of freedom: P ≈ 0.001
  })
})

describe('batchStream', () => {
  it('says what it is made of: shares, and a hash that changes with a token, its mask or the order', async () => {
    const row = (tokens: number[], lossMask = [1, 1, 1]) => ({ kind: 'tokens' as const, tokens, lossMask })
    const identityOf = async (...all: ReturnType<typeof row>[]) =>
      (await batchStream(rows(all, 'them'), chatSpeaker)).identity!()
    const whole = await identityOf(row([1, 2, 3]), row([4, 5, 6]))
    expect(whole).toEqual([{ name: 'them', share: 1, examples: 2, rows: expect.stringMatching(/^[0-9a-f]{32}$/) }])
    expect(await identityOf(row([1, 2, 3]), row([4, 5, 6]))).toEqual(whole)
    const others = await Promise.all([
      identityOf(row([1, 2, 3]), row([4, 5, 7])),
      identityOf(row([1, 2, 3]), row([4, 5, 6], [1, 0, 1])),
      identityOf(row([4, 5, 6]), row([1, 2, 3])),
    ])
    expect(new Set([whole, ...others].map(([part]) => part!.rows)).size).toBe(4)
    const mixture = await batchStream(mix({ a: [numbered(0, 3), 18], b: [numbered(9, 3), 2] }), chatSpeaker)
    expect((await mixture.identity!()).map(({ share }) => share)).toEqual([0.9, 0.1])
  })

  it('gives every row once an epoch', async () => {
    const stream = await batchStream(numbered(0, 12), chatSpeaker, { batchSize: 4, seed: 5 })
    for (let epoch = 0; epoch < 2; epoch++) {
      const seen = [...firsts(await stream.next()), ...firsts(await stream.next()), ...firsts(await stream.next())]
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
    }
  })

  it('mixes in the ratio asked for, in every batch', async () => {
    const mixture = mix({ answers: [numbered(0, 7), 9], texts: [numbered(100, 3), 1] })
    const stream = await batchStream(mixture, chatSpeaker, { batchSize: 10 })
    for (let i = 0; i < 6; i++) expect(firsts(await stream.next()).filter((token) => token >= 100)).toHaveLength(1)
    const skewed = await batchStream(mix({ a: [numbered(0, 7), 0.3], b: [numbered(100, 3), 0.7] }), chatSpeaker, {
      batchSize: 7,
    })
    let b = 0
    for (let i = 0; i < 30; i++) b += firsts(await skewed.next()).filter((token) => token >= 100).length
    expect(b).toBe(147)
  })

  it('goes on from where it stood, in the middle of an epoch', async () => {
    const open = () =>
      batchStream(mix({ a: [numbered(0, 7), 2], b: [numbered(100, 3), 1] }), chatSpeaker, { batchSize: 4, seed: 2 })
    const first = await open()
    for (let i = 0; i < 5; i++) await first.next()
    const state = JSON.parse(JSON.stringify(first.state()))
    const second = await open()
    await second.restore(state)
    for (let i = 0; i < 5; i++) expect(firsts(await second.next())).toEqual(firsts(await first.next()))
  })

  it('does not go on in other data or settings', async () => {
    const stream = await batchStream(numbered(0, 7), chatSpeaker, { seed: 1 })
    for (const [data, options] of [
      [numbered(0, 8), { seed: 1 }],
      [numbered(0, 7), { seed: 2 }],
      [numbered(0, 7), { seed: 1, batchSize: 2 }],
      [numbered(0, 7), { seed: 1, length: 3 }],
    ] as const)
      await expect((await batchStream(data, chatSpeaker, options)).restore(stream.state())).rejects.toThrow(
        /checkpoint/,
      )
    await expect(stream.restore(null)).rejects.toThrow(/checkpoint/)
  })

  it('refuses sizes and shares that cannot be', async () => {
    await expect(batchStream(numbered(0, 7), chatSpeaker, { batchSize: 0 })).rejects.toThrow(/batchSize/)
    await expect(batchStream(numbered(0, 7), chatSpeaker, { length: 1.5 })).rejects.toThrow(/length/)
    const beyond = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/length is 97, beyond the context.* 96/) }
    await expect(batchStream(numbered(0, 7), chatSpeaker, { length: 97 })).rejects.toMatchObject(beyond)
    await expect(batchesOnce(numbered(0, 7), chatSpeaker, { length: 97 })).rejects.toMatchObject(beyond)
    expect(await batchesOnce(numbered(0, 7), chatSpeaker, { length: 96 })).toHaveLength(1)
    expect(() => mix({})).toThrow(/no sources/)
    expect(() => mix({ a: [numbered(0, 1), 0] })).toThrow(/share of a must be positive/)
  })
})

describe('batchesOnce', () => {
  it('gives every row once, in order; the last batch is smaller', async () => {
    const batches = await batchesOnce(numbered(0, 7), chatSpeaker, { batchSize: 3 })
    expect(batches.flatMap(firsts)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(batches.map(({ batchSize }) => batchSize)).toEqual([3, 3, 1])
  })
})

describe('rowLength', () => {
  const models = { target: { config: { contextLength: 200 } }, draft: { config: { contextLength: 100 } } }

  it('is what is asked for, within every context, and else 128 or the shortest context', () => {
    expect(rowLength(models, 100)).toBe(100)
    expect(rowLength(models)).toBe(100)
    expect(rowLength({ target: models.target })).toBe(128)
  })

  it('is refused beyond the shortest context, by whose it is', () => {
    expect(() => rowLength(models, 101)).toThrow(/length is 101, beyond the context of the draft, which has 100/)
    for (const length of [0, -1, 2.5, Number.NaN]) expect(() => rowLength(models, length)).toThrow(/positive whole/)
  })
})
