import { readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { directory, loadCausalLM, memoryDirectory } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { drawnFrom } from './reference'
import { withWideHeads } from './wide-heads'

describe('a model with wide heads', () => {
  it('computes what it computes with narrow ones', async () => {
    const device = await testDevice()
    const stories = directory(testData('stories260K'))
    const folder = memoryDirectory()
    await withWideHeads(stories, folder, 4)
    const [narrow, wide] = [
      await loadCausalLM(stories, { device, dtype: 'f32' }),
      await loadCausalLM(folder, { device, dtype: 'f32' }),
    ]
    expect([narrow.config.headDim, wide.config.headDim]).toEqual([8, 32])
    const ids = Uint32Array.from({ length: 32 }, (_, i) => (i * 37 + 261) % 512)
    const logits = [narrow, wide].map(({ model }) => model.forward(device.tensor(ids, { shape: [1, 32] })))
    const [a, b] = await readAll(logits)
    const worst = Array.from(a!).reduce((worst, x, i) => Math.max(worst, Math.abs(x - b![i]!)), 0)
    expect(worst).toBeLessThan(1e-3)
    for (const one of [...logits, narrow, wide]) one.dispose()
  })
})

describe('what is drawn from', () => {
  const logQ = Float64Array.from([0.5, 0.3, 0.15, 0.05], Math.log)
  const rounded = ({ p }: { p: Float64Array }) => [...p].map((x) => Number(x.toFixed(4)))

  it('is the smallest set that has top-p, cut at the temperature or before it', () => {
    const cut = { temperature: 0.5, topP: 0.9 }
    // At temperature 0.5 the squares: 0.6849, 0.2466, 0.0616, 0.0068.
    expect(rounded(drawnFrom(logQ, { ...cut, cutsFirst: false }))).toEqual([0.7353, 0.2647, 0, 0])
    expect(rounded(drawnFrom(logQ, { ...cut, cutsFirst: true }))).toEqual([0.6897, 0.2483, 0.0621, 0])
  })

  it('has an edge where the sum comes to top-p but for roundings', () => {
    expect(drawnFrom(logQ, { temperature: 1, topP: 0.8, cutsFirst: false }).edge).toEqual([2])
    expect(drawnFrom(logQ, { temperature: 1, topP: 0.9, cutsFirst: false }).edge).toEqual([])
  })
})
