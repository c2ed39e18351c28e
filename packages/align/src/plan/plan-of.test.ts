import { KernelChoices } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { memoryDirectory, within } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { questions, tinyLook, tinyTarget } from '../tiny-run.fixture'
import { planOf } from './plan-of'
import { runFolder } from './stored-plan'

test('a run goes on with the kernels that it was planned with, whatever tuning has found since', async () => {
  const device = await testDevice()
  const target = tinyTarget(device)
  const out = memoryDirectory()
  const look = { ...tinyLook(target), adapter: device.adapterName }
  const warnings: string[] = []
  const planned = async (tuned: Parameters<KernelChoices['use']>[0]) => {
    Object.assign(device, { kernels: new KernelChoices() }) // as in another process
    device.kernels.use(tuned)
    await planOf({ target, out, seeds: questions(3), look }, within(out, runFolder), undefined, (event) => {
      if (event.kind === 'warning') warnings.push(event.text)
    })
    return device.kernels
  }
  const chosen = { 'linear 16x16 f32': 'dot' } as const
  expect((await planned(chosen)).toJSON()).toEqual(chosen)
  const kernels = await planned({ 'linear 16x16 f32': 'tiled64x64', 'linear 8x16 f32': 'dot' })
  expect(kernels.toJSON()).toEqual(chosen)
  expect(kernels.linear({ n: 8, k: 16, dtype: 'f32' })).toBeUndefined()
  expect(warnings).toEqual([])
  target.model.dispose()
})
