import { describe, expect, it } from 'vitest'
import { nodeAdapter } from '../node'
import { add } from '../operations/index'
import { createDevice } from './create-device'

describe('a device that is gone', () => {
  it('says that it was disposed of', async () => {
    const device = await createDevice({ adapter: nodeAdapter() })
    const x = device.full([3], 1)
    device.dispose()
    expect(() => add(x, 1)).toThrow(/disposed of/)
    await expect(x.data()).rejects.toThrow(/disposed of/)
  })

  it('reports a loss with its remedy to whoever waits and to whoever asks', async () => {
    const adapter = await nodeAdapter()
    const gpu = await adapter.requestDevice()
    const device = await createDevice({ device: gpu })
    const x = device.full([3], 1)
    gpu.destroy()
    expect(await device.lost).toMatchObject({ code: 'DEVICE_LOST', remedy: expect.stringContaining('checkpoint') })
    await expect(x.data()).rejects.toMatchObject({ code: 'DEVICE_LOST' })
  })
})
