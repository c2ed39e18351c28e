import { type Device, OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { blockVerification } from './block'
import { type DraftEnd, endedDraft } from './ended-draft'
import type { VerificationRule } from './rule'
import { tokenVerification } from './token'
import { type BlockVerdict, readVerdict } from './verify'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) / 2 ** 24
  }
}

/** Rows of probabilities as f32, peaked by `power`. */
function distributions(random: () => number, rows: number, vocabulary: number, power: number): Float32Array[] {
  return Array.from({ length: rows }, () => {
    const row = Array.from({ length: vocabulary }, () => random() ** power)
    const sum = row.reduce((a, b) => a + b, 0)
    return Float32Array.from(row, (value) => value / sum)
  })
}

interface Block {
  p: Float32Array[]
  q: Float32Array[]
  tokens: number[]
  uniforms: number[]
}

/** Queues a block; several of them are read in one go. */
function queue({ p, q, tokens, uniforms }: Block, rule: VerificationRule, count?: number) {
  const flat = (rows: Float32Array[]) => Float32Array.from(rows.flatMap((row) => [...row]))
  const vocabulary = q[0]!.length
  return device.scope(() =>
    rule.verify({
      p: device.tensor(flat(p), { shape: [p.length, vocabulary] }),
      q: device.tensor(flat(q), { shape: [q.length, vocabulary] }),
      tokens: device.tensor(Uint32Array.from(tokens)),
      uniforms: device.tensor(Float32Array.from(uniforms)),
      count: count === undefined ? undefined : device.tensor(Uint32Array.of(count)),
    }),
  )
}

async function run(block: Block, rule: VerificationRule, count?: number): Promise<BlockVerdict> {
  const result = queue(block, rule, count)
  const words = (await result.data()) as Uint32Array
  result.dispose()
  return readVerdict(words)
}

describe.each([tokenVerification, blockVerification])('$name verification on the device', (rule) => {
  it.each([
    [3, 1],
    [7, 4],
    [300, 5],
    [1000, 15],
    [66_000, 3],
  ])('agrees with float64, vocabulary %i, γ = %i', async (vocabulary, draftLength) => {
    const random = generator(vocabulary + draftLength)
    for (let trial = 0; trial < 8; trial++) {
      const base = distributions(random, draftLength + 1, vocabulary, 3)
      // Close enough to be accepted often.
      const p = base.slice(0, draftLength).map((row) => {
        const bent = row.map((value) => value * (0.5 + random()))
        const sum = bent.reduce((a, b) => a + b, 0)
        return bent.map((value) => value / sum)
      })
      const tokens = p.map((row) => {
        const u = random()
        let sum = 0
        return row.findIndex((value) => {
          sum += value
          return u < sum
        })
      })
      const uniforms = Array.from({ length: draftLength + 1 }, random)
      const block = { p, q: base, tokens: tokens.map((x) => Math.max(x, 0)), uniforms }
      const expected = rule.reference(block)
      const actual = await run(block, rule)
      expect(actual.accepted).toBe(expected.accepted)
      expect(actual.drafted).toEqual(block.tokens)
      for (const [i, row] of p.entries()) {
        const alpha = row.reduce((sum, value, x) => sum + Math.min(value, base[i]![x]!), 0)
        expect(actual.overlap[i]).toBeCloseTo(alpha, 5)
      }
      // A draw may fall on the other side of an edge of the running sum when f32 rounds it: then the edge must be near.
      if (actual.next !== expected.next) {
        const below = rule.reference({ ...block, uniforms: [...uniforms.slice(0, -1), uniforms.at(-1)! - 2e-6] })
        const above = rule.reference({ ...block, uniforms: [...uniforms.slice(0, -1), uniforms.at(-1)! + 2e-6] })
        expect(actual.next).toBeGreaterThanOrEqual(below.next)
        expect(actual.next).toBeLessThanOrEqual(above.next)
      }
    }
  })

  it.each([0, 1, 3])(
    'judges a draft that ends after %i of 4 tokens as one no longer, whatever lies behind',
    async (count) => {
      const random = generator(50 + count)
      for (let trial = 0; trial < 6; trial++) {
        const q = distributions(random, 5, 40, 2)
        const p = distributions(random, 4, 40, 2).map((row, i) => row.map((mass, x) => (mass + 3 * q[i]![x]!) / 4))
        const tokens = p.map((row) => row.indexOf(Math.max(...row)))
        const uniforms = Array.from({ length: 5 }, random)
        const short = endedDraft({ p, q, tokens, uniforms }, count)
        const { accepted } = rule.reference(short)
        // No numbers and no tokens behind the end.
        const garbage = {
          p: p.map((row, i) => (i < count ? row : row.map(() => Number.NaN))),
          q: q.map((row, i) => (i <= count ? row : row.map(() => Number.NaN))),
          tokens: tokens.map((x, i) => (i < count ? x : 0xffffffff)),
          uniforms,
        }
        const actual = await run(garbage, rule, count)
        expect(actual).toMatchObject({ accepted, drafted: tokens.slice(0, count) })
        expect(actual.overlap).toHaveLength(count)
        // Without the rows behind, the kernels say the same, but of the rows that were computed.
        const { computed, ...said } = actual
        expect(computed).toBe(4)
        if (count > 0) expect(await run(short as Block, rule)).toEqual({ ...said, computed: count })
      }
    },
  )

  it('rejects tokens and draws none that the target gives no probability, at the ends of the uniforms', async () => {
    const p = [Float32Array.of(0.5, 0.25, 0.25, 0)]
    const q = [Float32Array.of(0, 0.5, 0.5, 0), Float32Array.of(0, 0, 1, 0)]
    const top = 1 - 2 ** -24
    expect(await run({ p, q, tokens: [0], uniforms: [0, 0] }, rule)).toMatchObject({
      accepted: 0,
      next: 1,
    })
    expect(await run({ p, q, tokens: [0], uniforms: [0, top] }, rule)).toMatchObject({
      accepted: 0,
      next: 2,
    })
    expect(await run({ p, q, tokens: [1], uniforms: [top, top] }, rule)).toMatchObject({
      accepted: 1,
      next: 2,
    })
  })

  it('draws from the target where rounding leaves the residual empty', async () => {
    const p = [Float32Array.of(0.25000003, 0.25, 0.5)]
    const q = [Float32Array.of(0.25, 0.25, 0.5), Float32Array.of(1, 0, 0)]
    const verdict = await run({ p, q, tokens: [0], uniforms: [1 - 2 ** -24, 0.3] }, rule)
    expect(verdict.accepted === 1 ? 0 : 1).toBe(verdict.next)
  })

  it('gives the same bits again', async () => {
    const random = generator(3)
    const block = {
      p: distributions(random, 4, 5000, 8),
      q: distributions(random, 5, 5000, 8),
      tokens: [1, 2, 3, 4],
      uniforms: [0.1, 0.2, 0.3, 0.4, 0.5],
    }
    expect(await run(block, rule)).toEqual(await run(block, rule))
  })

  it.each([1, 2])("produces the target's sequences, enumerated with the kernel, γ = %i", async (draftLength) => {
    const error = await enumerate(rule, draftLength)
    expect(error).toBeLessThan(1e-6)
  })

  it('produces them too where the draft ends behind a token, and others where it withholds that token', async () => {
    const behind = (shift: number) => (tokens: readonly number[]) =>
      tokens.includes(0) ? tokens.indexOf(0) + shift : tokens.length
    expect(await enumerate(rule, 2, behind(1))).toBeLessThan(1e-6)
    expect(await enumerate(rule, 2, behind(0))).toBeGreaterThan(0.01)
  })
})

it('refuses distributions that do not fit together, with all shapes', () => {
  device.scope(() => {
    const input = { p: device.zeros([2, 5]), q: device.zeros([2, 5]) }
    expect(() =>
      tokenVerification.verify({ ...input, tokens: device.zeros([2], 'u32'), uniforms: device.zeros([3]) }),
    ).toThrow(OutriderError)
    expect(() =>
      tokenVerification.verify({ ...input, tokens: device.zeros([2], 'u32'), uniforms: device.zeros([3]) }),
    ).toThrow(/\[2, 5\] and \[2, 5\]/)
  })
})

/**
 * The law of the produced sequence, by running the kernel at the midpoints of a grid of uniforms. The distributions are
 * such that every threshold (1/4, 1/3 from a residual of weight 1/2, 1/2) and every step of a draw falls between two
 * points of the grid, so the grid is exact.
 */
async function enumerate(rule: VerificationRule, draftLength: number, end?: DraftEnd): Promise<number> {
  const p = [
    [0.5, 0.25, 0.25],
    [0.5, 0.5, 0],
    [0, 0.5, 0.5],
  ].map((row) => Float32Array.from(row))
  const q = [
    [0.25, 0.25, 0.5],
    [0.25, 0.25, 0.5],
    [0.5, 0.25, 0.25],
  ].map((row) => Float32Array.from(row))
  const sequences = (length: number): number[][] =>
    length === 0 ? [[]] : sequences(length - 1).flatMap((head) => [0, 1, 2].map((x) => [...head, x]))
  const probability = (chain: Float32Array[], start: number, sequence: number[]) =>
    sequence.reduce((product, x, i) => product * chain[i === 0 ? start : sequence[i - 1]!]![x]!, 1)
  const grid = (steps: number) => Array.from({ length: steps }, (_, i) => (i + 0.5) / steps)
  const points = Array.from({ length: draftLength }).reduce<number[][]>(
    (lists) => lists.flatMap((list) => grid(12).map((u) => [u, ...list])),
    grid(4).map((u) => [u]),
  )
  const produced = new Map<string, number>()
  for (const tokens of sequences(draftLength)) {
    const states = [0, ...tokens]
    const draft = tokens.map((_, i) => p[states[i]!]!)
    const target = states.map((s) => q[s]!)
    const drafted = probability(p, 0, tokens)
    if (drafted === 0) continue
    const results = points.map((uniforms) => queue({ p: draft, q: target, tokens, uniforms }, rule, end?.(tokens)))
    const buffers = await device.read(results)
    for (const result of results) result.dispose()
    for (const buffer of buffers) {
      const { accepted, next } = readVerdict(new Uint32Array(buffer, 0, 2 + 2 * draftLength))
      const head = [...tokens.slice(0, accepted), next]
      for (const tail of sequences(draftLength + 1 - head.length)) {
        const key = [...head, ...tail].join()
        const weight = (drafted * probability(q, head.at(-1)!, tail)) / points.length
        produced.set(key, (produced.get(key) ?? 0) + weight)
      }
    }
  }
  return Math.max(
    ...sequences(draftLength + 1).map((s) => Math.abs((produced.get(s.join()) ?? 0) - probability(q, 0, s))),
  )
}
