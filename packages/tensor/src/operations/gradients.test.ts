import { describe, expect, it } from 'vitest'
import type { Device } from '../device/device'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import { checkGradient, testDevice } from '../testing'
import * as operations from './index'

interface Sample {
  inputs: (device: Device) => Tensor[]
  run: (device: Device) => (...inputs: [Tensor, Tensor, Tensor]) => Tensor
}

let draw = 0
/** Random numbers away from the points where the operations are not smooth. */
const random = (device: Device, shape: number[], [low, high] = [-1.5, 1.5]) =>
  device.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => low! + (high! - low!) * uniform01(7, draw++)),
    { shape },
  )
const ids = (device: Device, ...values: number[]) => device.tensor(values, { dtype: 'u32' })
const one = (shape: number[], range: [number, number], fn: (x: Tensor) => Tensor): Sample => ({
  inputs: (device) => [random(device, shape, range)],
  run: () => fn,
})
const two = (
  a: number[],
  b: number[],
  fn: (a: Tensor, b: Tensor) => Tensor,
  range: [number, number] = [0.5, 2],
): Sample => ({
  inputs: (device) => [random(device, a, range), random(device, b, range)],
  run: () => fn,
})
const o = operations

/** Inputs for every operation that has a gradient. An operation that is exported and is neither here nor below fails. */
const samples: Partial<Record<keyof typeof operations, Sample[]>> = {
  add: [
    two([3, 5], [3, 5], o.add),
    two([2, 3, 4], [4], o.add),
    two([3, 1], [1, 4], o.add),
    one([7], [-1, 1], (x) => o.add(x, 3)),
  ],
  subtract: [two([3, 5], [5], o.subtract), one([7], [-1, 1], (x) => o.subtract(x, 3))],
  multiply: [
    two([3, 5], [3, 5], o.multiply),
    two([2, 3], [3], o.multiply),
    one([9], [-1, 1], (x) => o.multiply(x, -2)),
  ],
  divide: [two([3, 5], [3, 1], o.divide), one([5], [-1, 1], (x) => o.divide(x, 4))],
  maximum: [
    { inputs: (d) => [random(d, [4, 3], [0.2, 1]), random(d, [4, 3], [1.2, 2])], run: () => o.maximum },
    one([5], [0.5, 1], (x) => o.maximum(x, 0)),
  ],
  minimum: [{ inputs: (d) => [random(d, [4, 3], [0.2, 1]), random(d, [4, 3], [1.2, 2])], run: () => o.minimum }],
  swiglu: [two([4, 6], [4, 6], o.swiglu, [-2, 2])],
  geglu: [two([4, 6], [4, 6], o.geglu, [-3, 3]), two([3, 5], [5], o.geglu, [-2, 2])],
  negate: [one([6], [-1, 1], o.negate)],
  exp: [one([2, 3], [-1, 1], o.exp)],
  log: [one([2, 3], [0.5, 2], o.log)],
  sqrt: [one([2, 3], [0.5, 2], o.sqrt)],
  square: [one([5], [-1, 1], o.square)],
  abs: [one([5], [0.2, 1], o.abs)],
  sigmoid: [one([5], [-2, 2], o.sigmoid)],
  silu: [one([5], [-2, 2], o.silu)],
  tanh: [one([5], [-2, 2], o.tanh)],
  relu: [one([5], [0.2, 1], o.relu)],
  cast: [one([6], [-1, 1], (x) => o.cast(x, 'f32'))],
  sum: [
    one([3, 5], [-1, 1], (x) => o.sum(x)),
    one([3, 5], [-1, 1], (x) => o.sum(x, { axis: 0 })),
    one([2, 3, 4], [-1, 1], (x) => o.sum(x, { axis: 1, keepDims: true })),
  ],
  mean: [one([3, 5], [-1, 1], (x) => o.mean(x)), one([3, 5], [-1, 1], (x) => o.mean(x, { axis: -1 }))],
  max: [undefined, 1].map((axis) => ({
    // Apart from each other by more than the step of the differences.
    inputs: (d) => [
      d.tensor([
        [0.3, -1, 2, 0.9, 1.5],
        [1.1, 0.4, -0.6, 2.4, 0.1],
      ]),
    ],
    run: () => (x) => o.max(x, { axis }),
  })),
  broadcastTo: [one([3, 1], [-1, 1], (x) => o.broadcastTo(x, [2, 3, 4]))],
  transpose: [one([3, 5], [-1, 1], (x) => o.transpose(x)), one([2, 3, 4], [-1, 1], (x) => o.transpose(x, [2, 0, 1]))],
  slice: [one([5, 3], [-1, 1], (x) => o.slice(x, { start: 1, count: 3 }))],
  concat: [two([2, 3], [4, 3], (a, b) => o.concat([a, b]))],
  embedding: [{ inputs: (d) => [random(d, [6, 4])], run: (d) => (table) => o.embedding(table, ids(d, 2, 0, 2, 5, 2)) }],
  rmsNorm: [0, 1].map((offset) => two([5, 8], [8], (x, w) => o.rmsNorm(x, w, { epsilon: 1e-3, offset }), [-1.5, 1.5])),
  rope: [
    {
      inputs: (d) => [random(d, [2, 3, 2, 4])],
      run: (d) => (x) => o.rope(x, { frequencies: d.tensor([1, 0.1]), start: ids(d, 4, 9) }),
    },
    {
      inputs: (d) => [random(d, [2, 3, 2, 8])],
      run: (d) => (x) => o.rope(x, { frequencies: d.tensor([1, 0.1, 0.03]), magnitude: 1.3 }),
    },
  ],
  crossEntropy: [
    { inputs: (d) => [random(d, [4, 7])], run: (d) => (x) => o.crossEntropy(x, ids(d, 3, 0, 0xffffffff, 6)) },
  ],
  takeRows: [{ inputs: (d) => [random(d, [5, 3])], run: (d) => (x) => o.takeRows(x, ids(d, 4, 0, 2)) }],
  putRows: [{ inputs: (d) => [random(d, [3, 2, 2])], run: (d) => (x) => o.putRows(x, ids(d, 4, 0, 2), 6) }],
  gather: [{ inputs: (d) => [random(d, [3, 5])], run: (d) => (x) => o.gather(x, ids(d, 4, 0, 2)) }],
  attention: [
    {
      inputs: (d) => [random(d, [2, 5, 4, 4]), random(d, [2, 5, 2, 4]), random(d, [2, 5, 2, 4])],
      run: () => (q, k, v) => o.attention(q, k, v),
    },
    {
      inputs: (d) => [random(d, [1, 3, 2, 8]), random(d, [1, 7, 2, 8]), random(d, [1, 7, 2, 8])],
      run: () => (q, k, v) => o.attention(q, k, v, { start: 2, scale: 0.3 }),
    },
    {
      inputs: (d) => [random(d, [1, 11, 2, 4]), random(d, [1, 13, 1, 4]), random(d, [1, 13, 1, 4])],
      run: () => (q, k, v) => o.attention(q, k, v, { start: 2, window: 3 }),
    },
    {
      inputs: (d) => [random(d, [1, 3, 2, 4]), random(d, [1, 5, 1, 4]), random(d, [1, 5, 1, 4])],
      // Two keys for all; then a tree: the second and the third row follow the first, not each other.
      run: (d) => (q, k, v) => {
        const visibility = ids(d, 2, 2, 0b001, 2, 2, 0b011, 2, 2, 0b101).reshape([1, 3, 3])
        return o.attention(q, k, v, { softCap: 0.8, visibility })
      },
    },
  ],
  matmul: [
    two([2, 3, 5], [5, 4], o.matmul),
    two([3, 5], [4, 5], (a, b) => o.matmul(a, b, { transposeB: true })),
    two([5, 3], [5, 4], (a, b) => o.matmul(a, b, { transposeA: true })),
    two([5, 3], [4, 5], (a, b) => o.matmul(a, b, { transposeA: true, transposeB: true })),
  ],
  softmax: [one([3, 6], [-2, 2], o.softmax)],
  logSoftmax: [one([3, 6], [-2, 2], o.logSoftmax)],
  trainingLogits: [
    two([3, 5], [4, 5], (hidden, weight) => o.trainingLogits({ weight }, hidden)),
    {
      inputs: (d) => [random(d, [3, 5]), random(d, [4, 5]), random(d, [4])],
      run: () => (hidden, weight, bias) => o.trainingLogits({ weight, bias, scale: 0.7, softCap: 1.5 }, hidden),
    },
  ],
}

/** Exports without a gradient, and why. */
const notDifferentiable: Partial<Record<keyof typeof operations, string>> = {
  argmax: 'its values are indices',
  fingerprints: 'they are texts, for telling bits from others',
  topK: 'its values are for reading, its indices are indices',
  sampleCategorical: 'its values are indices',
  samplingDistribution: 'it is for decoding; training goes through softmax',
  exactFrequencies: 'it writes numbers in another form',
  ropeIntoCache: 'it writes in place, for inference',
  headLogits: 'it is for inference; training goes through trainingLogits',
  linear: 'it is for inference; training composes matmul and what surrounds it',
}

describe('gradients', () => {
  for (const name of Object.keys(operations) as (keyof typeof operations)[]) {
    if (name in notDifferentiable) continue
    it(`${name} agrees with finite differences`, async () => {
      const device = await testDevice()
      expect(samples[name], `${name} is exported without sample inputs for its gradient`).toBeDefined()
      for (const { inputs, run } of samples[name]!)
        await checkGradient(run(device) as (...inputs: Tensor[]) => Tensor, inputs(device))
    })
  }
})
