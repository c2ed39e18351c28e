import { readAll, type Tensor, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { randomStates, unitHead } from '../heads.fixture'
import {
  type DistillationLoss,
  distillationLossOfHeads,
  labelCrossEntropy,
  lossByName,
  pooledSumsOfHeads,
  type TopTokens,
  tvd,
  tvdPlusPlus,
} from '../index'
import { alphaOf, type LossFormula, logitsOf, type Position, positionOf, total } from '../testing/position'

const rows = 6
const vocabulary = 23

/** A target's k likeliest tokens of rows of logits, in float64, and the rest. */
function topOf(target: Float32Array, k: number) {
  const ids: number[] = []
  const logProbabilities: number[] = []
  const logRest: number[] = []
  for (let row = 0; row < rows; row++) {
    const z = target.subarray(row * vocabulary, (row + 1) * vocabulary)
    const { q, logQ } = positionOf(z, z)
    const order = [...q.keys()].sort((a, b) => q[b]! - q[a]!)
    ids.push(...order.slice(0, k))
    logProbabilities.push(...order.slice(0, k).map((id) => logQ[id]!))
    logRest.push(Math.max(-3e38, Math.log(total(order.slice(k).map((id) => q[id]!)))))
  }
  return { ids, logProbabilities, logRest, k }
}

async function onDevice({ ids, logProbabilities, logRest, k }: ReturnType<typeof topOf>): Promise<TopTokens> {
  const device = await testDevice()
  return {
    ids: device.tensor(Uint32Array.from(ids), { shape: [rows, k] }),
    logProbabilities: device.tensor(Float32Array.from(logProbabilities), { shape: [rows, k] }),
    logRest: device.tensor(Float32Array.from(logRest)),
  }
}

/** ln p of the k tokens of a row and of the bucket, in float64, which are logits of the k + 1 events. */
function bucketed(logits: ArrayLike<number>, ids: readonly number[]): Float64Array {
  const { p, logP } = positionOf(logits, logits)
  const rest = total([...p.keys()].filter((id) => !ids.includes(id)).map((id) => p[id]!))
  return Float64Array.of(...ids.map((id) => logP[id]!), Math.log(rest))
}

const given = async () => {
  const device = await testDevice()
  const draft = logitsOf(rows * vocabulary, 1, 2)
  const target = logitsOf(rows * vocabulary, 2, 4)
  const hidden = device.tensor(draft, { shape: [rows, vocabulary] })
  const logits = device.tensor(target, { shape: [rows, vocabulary] })
  return { device, draft, target, hidden, logits, head: unitHead(device, vocabulary) }
}

type Given = Awaited<ReturnType<typeof given>>

async function read(
  { hidden, head }: Given,
  loss: DistillationLoss,
  target: TopTokens | { logits: Tensor },
  more = {},
) {
  const { value, gradients, aux } = valueAndGradient({ hidden }, ({ hidden }) => {
    const result = distillationLossOfHeads(loss, { draft: { hidden, head }, target, ...more })
    return { value: result.value, aux: result.acceptanceRate! }
  })
  const [one, rate, gradient] = (await readAll([value, aux, gradients.hidden])) as Float32Array[]
  return { value: one![0]!, rate: rate![0]!, gradient: gradient! }
}

const formulas: Record<string, LossFormula> = {
  kld: ({ q, logQ, logP }) => total(q.map((x, i) => x * (logQ[i]! - logP[i]!))),
  'reverse-kld': ({ p, logQ, logP }) => total(p.map((x, i) => x * (logP[i]! - logQ[i]!))),
  tvd: (at) => 1 - alphaOf(at),
  'negative-log-acceptance': (at) => -Math.log(alphaOf(at)),
}

describe('a row loss of k tokens and a bucket', () => {
  it.each(Object.entries(formulas))(
    'has the value, α and gradient of %s of the k + 1 events (float64)',
    async (name, formula) => {
      const all = await given()
      const top = topOf(all.target, 5)
      const idsOf = (row: number) => top.ids.slice(5 * row, 5 * row + 5)
      const at = (row: number, draft: ArrayLike<number>): Position => {
        const logQ = Float64Array.of(...top.logProbabilities.slice(5 * row, 5 * row + 5), top.logRest[row]!)
        return positionOf(bucketed(draft, idsOf(row)), logQ)
      }
      const mean = (of: (at: Position) => number, moved = -1, by = 0) =>
        total(
          Array.from({ length: rows }, (_, row) => {
            const draft = Float64Array.from({ length: vocabulary }, (_, i) => {
              const place = row * vocabulary + i
              return all.draft[place]! + (place === moved ? by : 0)
            })
            return of(at(row, draft))
          }),
        ) / rows
      const value = (at: Position) => formula(at, at)
      const slopes = all.draft.map((_, i) => (mean(value, i, 1e-5) - mean(value, i, -1e-5)) / 2e-5)
      const target = await onDevice(top)
      for (const chunkRows of [undefined, 2]) {
        const got = await read(all, lossByName(name), target, { chunkRows })
        expect(got.value).toBeCloseTo(mean(value), 5)
        expect(got.rate).toBeCloseTo(mean(alphaOf), 5)
        await expectAllClose(got.gradient, slopes, { absolute: 1e-6, relative: 1e-4 })
      }
    },
  )

  it.each(['kld', 'tvd', 'tvd++', 'jsd', 'kl-tv-hybrid'])(
    'is %s of the whole where k is the vocabulary',
    async (name) => {
      const all = await given()
      const loss = lossByName(name)
      const whole = await read(all, loss, { logits: all.logits })
      const top = await read(all, loss, await onDevice(topOf(all.target, vocabulary)), { chunkRows: 3, heldRows: 3 })
      expect([top.value, top.rate]).toEqual([expect.closeTo(whole.value, 5), expect.closeTo(whole.rate, 5)])
      await expectAllClose(top.gradient, whole.gradient, { absolute: 2e-6, relative: 1e-3 })
    },
  )

  it('is a bound: no divergence is above, and no α below, what the whole distributions have, and more tokens are nearer', async () => {
    const all = await given()
    for (const name of ['kld', 'tvd']) {
      const loss = lossByName(name)
      const whole = await read(all, loss, { logits: all.logits })
      let before = { value: 0, rate: 1 }
      for (const k of [1, 4, 12, vocabulary - 1]) {
        const now = await read(all, loss, await onDevice(topOf(all.target, k)))
        expect(now.value).toBeLessThanOrEqual(whole.value + 1e-6)
        expect(now.value).toBeGreaterThanOrEqual(before.value - 1e-6)
        expect(now.rate).toBeGreaterThanOrEqual(whole.rate - 1e-6)
        expect(now.rate).toBeLessThanOrEqual(before.rate + 1e-6)
        before = now
      }
      // One token is no bucket: that is the whole.
      expect(before.value).toBeCloseTo(whole.value, 5)
    }
  })

  it('is exact of a target that is cut to its k tokens', async () => {
    const all = await given()
    const top = topOf(all.target, 4)
    const cut = { ...top, logRest: top.logRest.map(() => -3e38) }
    const logits = new Float32Array(all.target.length).fill(-1e4)
    for (const [i, id] of top.ids.entries()) logits[Math.floor(i / 4) * vocabulary + id] = top.logProbabilities[i]!
    for (const name of ['kld', 'tvd', 'tvd++']) {
      const whole = await read(all, lossByName(name), {
        logits: all.device.tensor(logits, { shape: [rows, vocabulary] }),
      })
      const few = await read(all, lossByName(name), await onDevice(cut))
      expect([few.value, few.rate]).toEqual([expect.closeTo(whole.value, 5), expect.closeTo(whole.rate, 5)])
      await expectAllClose(few.gradient, whole.gradient, { absolute: 2e-6, relative: 1e-3 })
    }
  })

  it('is the same whether rows have empty slots, and in whatever order their tokens are', async () => {
    const all = await given()
    const top = topOf(all.target, 4)
    const wide = { k: 6, logRest: top.logRest, ids: [] as number[], logProbabilities: [] as number[] }
    for (let row = 0; row < rows; row++) {
      wide.ids.push(0xffffffff, ...top.ids.slice(4 * row, 4 * row + 4).toReversed(), 0xffffffff)
      wide.logProbabilities.push(7, ...top.logProbabilities.slice(4 * row, 4 * row + 4).toReversed(), -1)
    }
    const [a, b] = [await read(all, tvd, await onDevice(top)), await read(all, tvd, await onDevice(wide))]
    expect(b.value).toBeCloseTo(a.value, 6)
    await expectAllClose(b.gradient, a.gradient, { absolute: 1e-7, relative: 1e-5 })
  })

  it('of a trimmed draft is over what it covers, with α of the target’s own distribution', async () => {
    const all = await given()
    const { device, draft, hidden } = all
    const covered = [0, 3, 4, 7, 8, 9, 12, 15, 20, 21]
    const weight = new Float32Array(covered.length * vocabulary)
    for (const [i, id] of covered.entries()) weight[i * vocabulary + id] = 1
    const ids = device.tensor(Uint32Array.from(covered))
    const head = {
      weight: device.tensor(weight, { shape: [covered.length, vocabulary] }),
      covered: { ids, vocabularySize: vocabulary },
    }
    const top = topOf(all.target, 6)
    const { losses, acceptanceRates } = tvd.rows({ draft: { hidden, head }, target: await onDevice(top) })
    const [loss, rates] = (await readAll([losses, acceptanceRates!])) as Float32Array[]
    for (let row = 0; row < rows; row++) {
      const said = covered.map((id) => draft[row * vocabulary + id]!)
      const kept = top.ids.slice(6 * row, 6 * row + 6).flatMap((id, i) => {
        const place = covered.indexOf(id)
        return place < 0 ? [] : [{ place, logQ: top.logProbabilities[6 * row + i]! }]
      })
      const logP = bucketed(
        said,
        kept.map(({ place }) => place),
      )
      const logQ = [...kept.map(({ logQ }) => logQ), top.logRest[row]!]
      expect(loss![row]).toBeCloseTo(1 - alphaOf(positionOf(logP, logQ)), 5)
      expect(rates![row]).toBeCloseTo(total(logP.map((x, i) => Math.min(Math.exp(x), Math.exp(logQ[i]!)))), 5)
    }
  })

  it('pools over a step as over the whole', async () => {
    const all = await given()
    const draft = { hidden: all.hidden, head: all.head }
    const sums = async (target: TopTokens | { logits: Tensor }) =>
      (await pooledSumsOfHeads(tvdPlusPlus(), { draft, target, chunkRows: 4 })!.data()) as Float32Array
    const top = await onDevice(topOf(all.target, vocabulary))
    await expectAllClose(await sums(top), await sums({ logits: all.logits }), { absolute: 1e-5, relative: 1e-5 })
  })

  it('is NaN where a logit of the draft is, and not a smaller loss', async () => {
    const all = await given()
    const broken = all.draft.slice()
    broken[vocabulary + topOf(all.target, vocabulary).ids[2 * vocabulary - 1]!] = Number.NaN // in the bucket of row 1
    const hidden = all.device.tensor(broken, { shape: [rows, vocabulary] })
    const { rate } = await read({ ...all, hidden }, tvd, await onDevice(topOf(all.target, 3)))
    expect(rate).toBeNaN()
  })

  it('is refused for losses of labels, and for tensors that do not go together', async () => {
    const { hidden, head, target, device } = await given()
    const top = await onDevice(topOf(target, 3))
    const labels = device.tensor(new Uint32Array(rows))
    const evaluate = (loss: DistillationLoss, target: TopTokens) => () =>
      distillationLossOfHeads(loss, { draft: { hidden, head }, target, labels })
    expect(evaluate(labelCrossEntropy, top)).toThrow(/reads labels.*none of the k tokens/)
    expect(evaluate(tvd, { ...top, logProbabilities: top.logRest })).toThrow(/k tokens a row must be/)
    expect(evaluate(tvd, { ...top, ids: top.logProbabilities })).toThrow(/ids are f32/)
  })

  it('leaves no memory behind', async () => {
    const { device, draft, rest } = await randomStates(
      { rows, sequenceLength: 3 },
      {
        draft: { hiddenSize: 8, vocabulary },
        target: { hiddenSize: 8, vocabulary },
      },
    )
    const target = await onDevice(topOf(logitsOf(rows * vocabulary, 2, 4), 5))
    const step = async () => {
      const { value, gradients, aux } = valueAndGradient(draft, ({ hidden, weight }) => {
        const { labels: _, ...more } = rest
        const result = distillationLossOfHeads(tvdPlusPlus(), {
          ...more,
          draft: { hidden, head: { weight } },
          target,
          chunkRows: 2,
        })
        return { value: result.value, aux: { rate: result.acceptanceRate!, ...result.statistics } }
      })
      await value.data()
      for (const tensor of [value, ...Object.values(gradients), ...Object.values(aux)]) tensor.dispose()
      return device.memory.liveBytes
    }
    const first = await step()
    expect(await step()).toBe(first)
  })
})
