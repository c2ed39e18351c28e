import { kld } from '@outrider/losses'
import { headLogits, readAll } from '@outrider/tensor'
import { floatToHalf, halfToFloat } from '@outrider/tensor/internal'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { tinyModel } from '../../../transformer/src/pretrained/tiny-model.fixture'
import { distillation } from './distill'
import { toDevice } from './objective'

describe('what a model says in training', () => {
  it('is what it says where it decodes: its logits scaled and capped', async () => {
    const device = await testDevice()
    const draft = tinyModel(device, { seed: 4, logitScale: 30, logitSoftCap: 2, initializerRange: 0.4 })
    const target = tinyModel(device, { seed: 5, logitScale: 0.5, logitSoftCap: 3, initializerRange: 0.4 })
    const [batchSize, length] = [2, 6]
    const batch = toDevice(
      device,
      {
        tokens: Uint32Array.from({ length: batchSize * length }, (_, i) => (37 * i) % 258),
        labels: new Uint32Array(batchSize * length),
        lossMask: new Float32Array(batchSize * length).fill(1),
        batchSize,
        length,
      },
      0,
    )
    const { loss, measure } = distillation(draft, target, kld)
    // Of the target as decoding says it, and as distillation takes it: of hidden states in f16.
    const hidden = target.model.hidden(batch.tokens)
    const decoded = target.model.forward(batch.tokens)
    await expectAllClose(headLogits(target.model.head(), hidden), (await decoded.data()) as Float32Array, {
      absolute: 1e-5,
    })
    const halves = ((await hidden.data()) as Float32Array).map((value) => halfToFloat(floatToHalf(value)))
    const taken = headLogits(target.model.head(), device.tensor(halves, { shape: hidden.shape }))
    const said = [draft.model.forward(batch.tokens), taken]
    const [p, q] = (await readAll(said)).map((values) => rowsOf(values, 258).map(softmax)) as [number[][], number[][]]
    const divergence = p.map((row, i) => q[i]!.reduce((sum, mass, x) => sum + mass * Math.log(mass / row[x]!), 0))
    const alpha = p.map((row, i) => row.reduce((sum, mass, x) => sum + Math.min(mass, q[i]![x]!), 0))
    const { value } = loss(draft.model.parameters, batch)
    expect(await value.item()).toBeCloseTo(divergence.reduce((sum, x) => sum + x) / divergence.length, 4)
    await expectAllClose(measure(draft.model.parameters, batch).acceptanceRates!, alpha, { absolute: 1e-5 })
    for (const { model } of [draft, target]) model.dispose()
  })
})

const rowsOf = (values: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: values.length / columns }, (_, row) =>
    Array.from(values).slice(row * columns, (row + 1) * columns),
  )

function softmax(logits: number[]): number[] {
  const largest = Math.max(...logits)
  const masses = logits.map((x) => Math.exp(x - largest))
  const whole = masses.reduce((a, b) => a + b)
  return masses.map((mass) => mass / whole)
}
