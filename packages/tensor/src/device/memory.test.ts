import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../autograd/value-and-gradient'
import { nodeAdapter } from '../node/index'
import { add, embedding, logSoftmax, rmsNorm, softmax, sum } from '../operations/index'
import { testDevice } from '../testing'
import { BufferPool } from './buffer-pool'
import { createDevice } from './create-device'

describe('memory', () => {
  it('is flat over repeated gradients, and so are bind groups once the pool is warm', async () => {
    const device = await testDevice()
    using table = device.full([32, 16], 0.5)
    using weight = device.full([16], 1)
    using ids = device.tensor(Uint32Array.from({ length: 40 }, (_, i) => i % 32))
    const step = async () => {
      const { value, gradients } = valueAndGradient({ table, weight }, ({ table, weight }) =>
        sum(logSoftmax(rmsNorm(embedding(table, ids), weight))),
      )
      await value.item()
      value.dispose()
      for (const gradient of Object.values(gradients)) gradient.dispose()
    }
    for (let i = 0; i < 5; i++) await step()
    const { memory, counters } = device
    for (let i = 0; i < 50; i++) await step()
    expect(device.memory).toEqual(memory)
    expect(device.counters.bindGroups).toBe(counters.bindGroups)
  })

  it('is shared by views until the last of them goes', async () => {
    const device = await testDevice()
    const before = device.memory.liveBuffers
    const x = device.full([6], 1)
    const view = x.reshape([2, 3])
    x.dispose()
    expect(device.memory.liveBuffers - before).toBe(1)
    expect(await view.toArray()).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ])
    view.dispose()
    expect(device.memory.liveBuffers).toBe(before)
  })

  it('survives an error inside a scope', async () => {
    const device = await testDevice()
    const before = device.memory.liveBuffers
    expect(() =>
      device.scope(() => {
        softmax(device.full([2, 2], 1))
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(device.memory.liveBuffers).toBe(before)
  })

  it('is reused by size class', async () => {
    const device = await testDevice()
    const pool = new BufferPool(device.gpu)
    const first = pool.acquire(1000)
    expect(first.capacity).toBe(1024)
    pool.release(first)
    expect(pool.acquire(900).id).toBe(first.id)
    expect(pool.acquire(900).id).not.toBe(first.id)
    expect(pool.memory).toMatchObject({ liveBytes: 1800, peakBytes: 1800, liveBuffers: 2, pooledBytes: 0 })
    expect(pool.memory.heldBytes).toBe(2048)
  })

  it('keeps nothing for reuse beyond what may be held, and what was queued is computed all the same', async () => {
    using device = await createDevice({ adapter: nodeAdapter(), maxMemoryBytes: 4096 })
    const first = device.full([256], 3)
    using twice = add(first, first) // queued, of memory that is free from now on
    first.dispose()
    expect(device.memory).toMatchObject({ pooledBytes: 1024, heldBytes: 2048 })
    using large = device.full([512], 1)
    expect(device.memory).toMatchObject({ pooledBytes: 1024, heldBytes: 4096 })
    using other = device.full([200], 2) // of 896 bytes, and the 1024 that are free are of another size
    expect(device.memory).toMatchObject({ pooledBytes: 0, heldBytes: 3968 })
    expect(() => device.zeros([33])).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }))
    expect([(await twice.data())[255], (await large.data())[511], (await other.data())[199]]).toEqual([6, 1, 2])
  })
})
