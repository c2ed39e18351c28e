import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { uniform01 } from '../../random/philox'
import type { Tensor } from '../../tensor'
import { expectAllClose, testDevice } from '../../testing'
import { maximum, multiply } from '../pointwise/binary'
import { argmax } from '../reduce/argmax'
import { sum } from '../reduce/sum'
import { sampleCategorical } from '../sampling/categorical'
import { samplingDistribution } from '../sampling/distribution'
import { type Head, headGradients, headLogits, rowLogits, trainingLogits } from './head'

const [rows, hiddenSize, ids] = [5, 8, 7]
const numbers = (stream: number, count: number, size = 2) =>
  Float32Array.from({ length: count }, (_, i) => size * (2 * uniform01(stream, i) - 1))

const host = {
  hidden: numbers(1, rows * hiddenSize),
  weight: numbers(2, ids * hiddenSize),
  bias: numbers(3, ids),
  dlogits: numbers(4, rows * ids),
}

/** Everything there is of a head, by the formula in float64. */
function exact({ scale = 1, softCap, bias }: { scale?: number; softCap?: number; bias?: boolean }) {
  const logits: number[] = []
  const gradients = {
    hidden: new Float64Array(rows * hiddenSize),
    weight: new Float64Array(ids * hiddenSize),
    bias: new Float64Array(ids),
  }
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < ids; c++) {
      let y = bias ? host.bias[c]! : 0
      for (let k = 0; k < hiddenSize; k++) y += host.hidden[r * hiddenSize + k]! * host.weight[c * hiddenSize + k]!
      const z = softCap === undefined ? scale * y : softCap * Math.tanh((scale * y) / softCap)
      logits.push(z)
      const dy = host.dlogits[r * ids + c]! * scale * (softCap === undefined ? 1 : 1 - (z / softCap) ** 2)
      gradients.bias[c]! += dy
      for (let k = 0; k < hiddenSize; k++) {
        gradients.hidden[r * hiddenSize + k]! += dy * host.weight[c * hiddenSize + k]!
        gradients.weight[c * hiddenSize + k]! += dy * host.hidden[r * hiddenSize + k]!
      }
    }
  return { logits, gradients }
}

const close = { absolute: 2e-5, relative: 2e-5 }

describe('a head', () => {
  const forms = {
    plain: {},
    scaled: { scale: 0.25 },
    capped: { softCap: 3 },
    'capped after a scale': { scale: 0.5, softCap: 2 },
    biased: { bias: true },
    'biased, scaled and capped': { bias: true, scale: 0.5, softCap: 2 },
  }
  for (const [name, form] of Object.entries<Parameters<typeof exact>[0]>(forms))
    it(`that is ${name} has the logits and gradients of the formula in float64, by the tape and by hand`, async () => {
      const device = await testDevice()
      const parameters = {
        hidden: device.tensor(host.hidden, { shape: [rows, hiddenSize] }),
        weight: device.tensor(host.weight, { shape: [ids, hiddenSize] }),
        ...(form.bias && { bias: device.tensor(host.bias) }),
      }
      const of = ({ weight, bias }: { weight: Tensor; bias?: Tensor }): Head => ({ ...form, weight, bias })
      const dlogits = device.tensor(host.dlogits, { shape: [rows, ids] })
      const expected = exact(form)

      await expectAllClose(
        device.scope(() => headLogits(of(parameters), parameters.hidden)),
        expected.logits,
        close,
      )
      const { value, gradients, aux } = valueAndGradient(parameters, (parameters) => {
        const logits = trainingLogits(of(parameters as typeof parameters & { bias?: Tensor }), parameters.hidden)
        return { value: sum(multiply(logits, dlogits)), aux: logits }
      })
      await expectAllClose(aux, expected.logits, close)
      const logits = rowLogits(of(parameters), parameters.hidden)
      const byHand = device.scope(() =>
        headGradients(
          of(parameters),
          { hidden: parameters.hidden, logits, dlogits: multiply(dlogits, 1) },
          {
            hidden: true,
            weight: true,
            bias: form.bias === true,
          },
        ),
      )
      expect(Object.keys(byHand)).toEqual(Object.keys(parameters))
      for (const name of Object.keys(parameters) as (keyof typeof byHand)[]) {
        await expectAllClose((gradients as typeof byHand)[name]!, expected.gradients[name], close)
        await expectAllClose(byHand[name]!, expected.gradients[name], close)
      }
      for (const tensor of [value, aux, dlogits, ...Object.values({ ...parameters })]) tensor.dispose()
      for (const tensor of [...Object.values(gradients), ...Object.values(byHand)]) tensor.dispose()
    })

  it('is capped where products are beyond all measure, and has no slope there', async () => {
    const device = await testDevice()
    using hidden = device.tensor([1e30, -1e30, 0, Number.NaN], { shape: [4, 1] })
    using weight = device.tensor([1], { shape: [1, 1] })
    const { value, gradients, aux } = valueAndGradient({ hidden }, ({ hidden }) => {
      const aux = trainingLogits({ weight, softCap: 30 }, hidden)
      return { value: sum(aux), aux }
    })
    expect([...(await aux.data())]).toEqual([30, -30, 0, Number.NaN])
    expect([...(await gradients.hidden.data())].slice(0, 3)).toEqual([0, 0, 1])
    for (const tensor of [value, aux, gradients.hidden]) tensor.dispose()
  })
})

describe('a soft-cap of logits', () => {
  it('keeps the digits of those far below it and near it', async () => {
    const device = await testDevice()
    const values = Float32Array.from([1e-6, -3e-4, 0.01, 0.5, 5.9, 6.1, 20, -60, 90], (x) => x)
    using hidden = device.tensor(values, { shape: [values.length, 1] })
    using weight = device.tensor([1], { shape: [1, 1] })
    using logits = headLogits({ weight, softCap: 30 }, hidden)
    const expected = Array.from(values, (x) => 30 * Math.tanh(x / 30))
    await expectAllClose(logits, expected, { absolute: 0, relative: 1e-6 })
  })
})

describe('a head of some ids', () => {
  const covered = [8, 0, 3, 9, 4, 2, 6] // of 11
  const trimmed = async () => {
    const device = await testDevice()
    const head = {
      weight: device.tensor(host.weight, { shape: [ids, hiddenSize] }),
      covered: { ids: device.tensor(Uint32Array.from(covered)), vocabularySize: 11 },
    }
    return { device, head, hidden: device.tensor(host.hidden, { shape: [rows, hiddenSize] }) }
  }
  /** Rows over the covered ids as rows over the vocabulary. */
  const spread = (values: ArrayLike<number>, rest: number) =>
    Array.from({ length: rows * 11 }, (_, i) => {
      const at = covered.indexOf(i % 11)
      return at < 0 ? rest : values[Math.floor(i / 11) * ids + at]!
    })

  it('has the logits of its rows at their ids, and −∞ everywhere else', async () => {
    const { head, hidden } = await trimmed()
    for (const logits of [headLogits(head, hidden), trainingLogits(head, hidden)]) {
      expect(logits.shape).toEqual([rows, 11])
      const [found, expected] = [await logits.data(), spread(exact({}).logits, Number.NEGATIVE_INFINITY)]
      expect(Array.from(found, Number.isFinite)).toEqual(expected.map(Number.isFinite))
      const said = (values: ArrayLike<number>) => Array.from(values).filter(Number.isFinite)
      await expectAllClose(Float32Array.from(said(found)), said(expected), close)
    }
  })

  it('takes from a gradient over the vocabulary what its rows are, and nothing of the other ids', async () => {
    const { device, head, hidden } = await trimmed()
    const upstream = device.tensor(Float32Array.from(spread(host.dlogits, 5)), { shape: [rows, 11] })
    const { gradients } = valueAndGradient({ hidden, weight: head.weight }, ({ hidden, weight }) => {
      const logits = trainingLogits({ ...head, weight }, hidden)
      return withUpstream(logits, upstream)
    })
    const expected = exact({}).gradients
    await expectAllClose(gradients.hidden, expected.hidden, close)
    await expectAllClose(gradients.weight, expected.weight, close)
  })

  it('is never drawn from outside of its ids, at any temperature', async () => {
    const { head, hidden } = await trimmed()
    const logits = headLogits(head, hidden)
    for (const temperature of [0.5, 1, 50]) {
      const p = samplingDistribution(logits, { temperature })
      const rowsOfP = await p.data()
      for (const [i, mass] of rowsOfP.entries()) if (!covered.includes(i % 11)) expect(mass).toBe(0)
      for (let seed = 0; seed < 20; seed++)
        for (const id of await sampleCategorical(p, { seed, offset: 0 }).data()) expect(covered).toContain(id)
    }
    for (const id of await argmax(logits, { logits: true }).data()) expect(covered).toContain(id)
  })
})

/** Σ x · upstream where x is a number: 0 · −∞ is none. */
function withUpstream(x: Tensor, upstream: Tensor): Tensor {
  return sum(multiply(maximum(x, -1e30), upstream))
}
