import { composeLoss, kld, rowMean, tvdPlusPlus } from '@outrider/losses'
import { headLogits, readAll, sum } from '@outrider/tensor'
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

  it('is read where something is learnt, row by row the same: a copy of the target has α 1 there, in any batch', async () => {
    const device = await testDevice()
    const [target, copy] = [tinyModel(device, { seed: 5 }), tinyModel(device, { seed: 5 })]
    const masks = {
      'some of many': [0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0],
      'so many that the rest fills them up': [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1],
      all: Array<number>(16).fill(1),
    }
    for (const [what, mask] of Object.entries(masks))
      for (const loss of [kld, tvdPlusPlus({ scope: 'sequence' }), composed]) {
        const tokens = Uint32Array.from({ length: 16 }, (_, i) => (37 * i) % 258)
        const lossMask = Float32Array.from(mask)
        const labels = new Uint32Array(16)
        const batch = toDevice(device, { tokens, labels, lossMask, batchSize: 2, length: 8 }, 0)
        const objective = distillation(copy, target, loss)
        const { aux } = objective.loss(copy.model.parameters, batch)
        expect(await aux.acceptance_rate!.item(), `${what}, ${loss.name}`).toBeCloseTo(1, 3)
        const rates = await objective.measure(copy.model.parameters, batch).acceptanceRates!.data()
        for (const [i, counts] of mask.entries()) if (counts) expect(rates[i], `${what}, ${i}`).toBeCloseTo(1, 3)
      }
    for (const { model } of [copy, target]) model.dispose()
  })
})

const composed = composeLoss('composed', ({ draftLogits, mask }) => rowMean(sum(draftLogits, { axis: 1 }), mask))

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
