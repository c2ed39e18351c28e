import { normalPair } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { rowsTogether } from './rows-together'
import { sampleTokens } from './sample'
import { sampleRows } from './sample-rows'
import { resolveSampling } from './sampling-options'

const columns = 70
const logits = (rows: number, stream: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => 2 * normalPair(stream, i)[0])

describe('drawing the tokens of several sequences together', () => {
  const greedy = resolveSampling()
  const sampled = [
    resolveSampling({ temperature: 0.7, topK: 9, seed: 3 }),
    resolveSampling({ temperature: 1.4, topP: 0.8, seed: 2 ** 40 }),
    resolveSampling({ temperature: 1, minP: 0.05, seed: 3 }),
  ]

  it.each([
    ['are greedy', [greedy, greedy, greedy, greedy]],
    ['are drawn', [...sampled, sampled[0]!]],
    ['are greedy and drawn', [sampled[0]!, greedy, sampled[1]!, sampled[2]!]],
  ])('gives each what it has alone, where they %s', async (_, samplings) => {
    const device = await testDevice()
    const { liveBuffers } = device.memory
    const [a, b] = [
      device.tensor(logits(5, 1), { shape: [5, columns] }),
      device.tensor(logits(2, 2), { shape: [1, 2, columns] }),
    ]
    const rows = [
      { x: a, start: 3, count: 2, offset: 7 },
      { x: b, start: 1, offset: 2 ** 33 },
      { x: a, start: 0, offset: 0 },
      { x: a, start: 1, offset: 5 },
    ].map((part, i) => ({ ...part, sampling: samplings[i]! }))
    using together = sampleRows(rows)
    const alone: number[] = []
    for (const { sampling, offset, ...part } of rows) {
      using ids = device.scope(() => sampleTokens(rowsTogether([part]), sampling, offset))
      alone.push(...(await ids.data()))
    }
    expect([...(await together.data())]).toEqual(alone)
    expect(new Set(alone).size).toBeGreaterThan(2)
    for (const tensor of [a, b, together]) tensor.dispose()
    expect(device.memory.liveBuffers).toBe(liveBuffers)
  })

  it('tells of the one whose logits are no numbers, and the others have their tokens', async () => {
    const device = await testDevice()
    const values = logits(3, 4)
    values[columns + 5] = Number.NaN
    using x = device.tensor(values, { shape: [3, columns] })
    for (const samplings of [[greedy, greedy, greedy], [sampled[0]!, greedy, sampled[1]!], sampled]) {
      using ids = sampleRows(samplings.map((sampling, start) => ({ x, start, sampling, offset: 0 })))
      expect([...(await ids.data())].map((id) => id < columns)).toEqual([true, false, true])
    }
  })
})

describe('rows of tensors one below the other', () => {
  it('are the tensor itself where they are all of it, in their order', async () => {
    const device = await testDevice()
    using x = device.tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    const read = async (starts: readonly number[]) => {
      const { dispatches, bytesRead } = device.counters
      using y = rowsTogether(starts.map((start) => ({ x, start })))
      expect(device.counters).toMatchObject({ dispatches, bytesRead })
      expect(y.storage === x.storage).toBe(starts.join() === '0,1,2')
      return y.toArray()
    }
    expect(await read([0, 1, 2])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(await read([0, 2, 1])).toEqual([
      [1, 2],
      [5, 6],
      [3, 4],
    ])
    expect(await read([1, 2])).toEqual([
      [3, 4],
      [5, 6],
    ])
  })
})
