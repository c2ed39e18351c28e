import { describe, expect, it } from 'vitest'
import { nodeAdapter } from '../node'
import { testDevice } from '../testing'
import { BufferPool } from './buffer-pool'
import { deviceDescriptor } from './capabilities'
import { createDevice } from './create-device'

const absurd: [string, number[], string][] = [
  ['more than is countable', [2 ** 40, 2 ** 40], 'SHAPE_MISMATCH'],
  ['infinite', [Number.POSITIVE_INFINITY], 'SHAPE_MISMATCH'],
  ['negative', [-4], 'SHAPE_MISMATCH'],
  ['no number', [Number.NaN, 2], 'SHAPE_MISMATCH'],
  ['a fraction', [2.5], 'SHAPE_MISMATCH'],
  ['longer than the largest buffer', [2 ** 40], 'DEVICE_LIMIT'],
  ['a matrix of too many slabs', [2 ** 40, 2], 'DEVICE_LIMIT'],
]

describe('a tensor of a size that cannot be', () => {
  it.each(absurd)('is refused before anything is allocated: %s', async (_, shape, code) => {
    const device = await testDevice()
    const { liveBytes, liveBuffers } = device.memory
    for (const dtype of ['f32', 'f16', 'u32'] as const) {
      expect(() => device.empty(shape, dtype)).toThrow(expect.objectContaining({ code }))
      expect(() => device.zeros(shape, dtype)).toThrow(expect.objectContaining({ code }))
      expect(() => device.full(shape, 1, dtype)).toThrow(expect.objectContaining({ code }))
    }
    expect(() => device.tensor(new Float32Array(4), { shape })).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    )
    expect(device.memory).toMatchObject({ liveBytes, liveBuffers })
  })

  it('takes no memory where bytes do not fit its shape', async () => {
    const device = await testDevice()
    const { liveBuffers } = device.memory
    const bytes = new Uint8Array(4)
    expect(() => device.tensor(bytes, { shape: [64], dtype: 'f32' })).toThrow(/takes 256 bytes of f32, not 4/)
    expect(device.memory.liveBuffers).toBe(liveBuffers)
  })
})

it('a device gives no more than the memory it may use, and goes on with less', async () => {
  using device = await createDevice({ adapter: nodeAdapter(), maxMemoryBytes: 1024 })
  using held = device.full([128], 1)
  expect(() => device.zeros([129])).toThrow(
    expect.objectContaining({ code: 'OUT_OF_MEMORY', message: expect.stringContaining('the memory of 1024') }),
  )
  using more = device.full([128], 2)
  expect((await held.data())[0]).toBe(1)
  expect((await more.data())[0]).toBe(2)
})

it('a tensor is filled with a number, however many pieces it takes', async () => {
  const device = await testDevice()
  using tensor = device.full([2 ** 20 + 3], 7, 'u32')
  expect((await tensor.data()).every((value) => value === 7)).toBe(true)
})

describe('memory that the driver refuses', () => {
  it('is told at the next wait, is never given again, and the device goes on', async () => {
    const adapter = await nodeAdapter()
    const gpu = await adapter.requestDevice(deviceDescriptor(adapter))
    const createBuffer = gpu.createBuffer.bind(gpu)
    let refuses = false
    gpu.createBuffer = (descriptor) =>
      createBuffer(refuses ? { ...descriptor, size: gpu.limits.maxBufferSize + 4 } : descriptor)
    using device = await createDevice({ device: gpu })
    refuses = true
    const lost = device.full([700], 1)
    refuses = false
    await expect(lost.data()).rejects.toMatchObject({ code: 'DEVICE_LIMIT', details: { bytes: 3072 } })
    lost.dispose()
    expect(device.memory).toMatchObject({ liveBuffers: 0, pooledBytes: 0 })
    using again = device.full([700], 2)
    expect((await again.data()).every((value) => value === 2)).toBe(true)
    gpu.destroy()
  })

  it('leaves the pool even if it came back before the driver answered', async () => {
    const told: unknown[] = []
    class GPUOutOfMemoryError {
      readonly message = 'none left'
    }
    const answers = [null, new GPUOutOfMemoryError()]
    const gpu = {
      limits: { maxBufferSize: 2 ** 20 },
      createBuffer: () => ({}),
      pushErrorScope: () => {},
      popErrorScope: async () => answers.shift() ?? null,
    } as unknown as GPUDevice
    const pool = new BufferPool(gpu, { onFailure: (error) => told.push(error.code) })
    const refused = pool.acquire(1000)
    pool.release(refused)
    await pool.allocated()
    expect(told).toEqual(['OUT_OF_MEMORY'])
    expect(pool.memory).toMatchObject({ liveBuffers: 0, liveBytes: 0, pooledBytes: 0 })
    expect(pool.acquire(1000).id).not.toBe(refused.id)
  })
})
