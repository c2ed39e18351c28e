import { testDevice } from '@outrider/tensor/testing'
import { expect, it } from 'vitest'
import { addBlocks, positionFigures } from './figures'
import { positionSums, reachedRows } from './reached'

const rates = [0.9, 0.5, 0.4, 0.8, 0.6]

it('tells α of every position, and how long a block that ends there is on the average', () => {
  const sums = new Float64Array(12)
  // Blocks of 3 and of 2 positions, in a draft of 4; what is beyond a block says nothing.
  addBlocks(sums, [0.9, 0.5, 0.4, 7, 0.8, 0.6, 7, 7], { draftLength: 4, lengths: [3, 2] })
  const { acceptance_rates, acceptance_lengths } = positionFigures(sums)
  const expected = [0.85, 0.85 + (0.45 + 0.48) / 2, 0.85 + (0.45 + 0.48) / 2 + 0.18]
  for (const [k, rate] of [0.85, 0.55, 0.4].entries()) expect(acceptance_rates[k]).toBeCloseTo(rate)
  for (const [k, more] of expected.entries()) expect(acceptance_lengths[k]).toBeCloseTo(1 + more)
  expect(acceptance_rates).toHaveLength(3) // no block has a fourth position
})

it('has the same sums of rows on the device, but for those that do not count', async () => {
  const device = await testDevice()
  const of = (values: readonly number[]) => device.tensor(Uint32Array.from(values))
  // Both blocks, in another order, and a row between them that counts nowhere.
  const [reached, sums] = device.scope(() => {
    const alpha = device.tensor([0.5, 0.9, 0.3, 0.4, 0.8, 0.6])
    const reached = reachedRows(alpha, of([1, 1, 2, 0, 4, 4]))
    return [reached, positionSums(alpha, reached, of([1, 0, 2 ** 32 - 1, 2, 0, 1]), 4)] as const
  })
  const wanted = [0.9, 1, 1, 0.45, 1, 0.8]
  for (const [i, value] of (await reached.data()).entries()) expect(value).toBeCloseTo(wanted[i]!, 6)
  const expected = new Float64Array(12)
  addBlocks(expected, [...rates.slice(0, 3), 0, ...rates.slice(3), 0, 0], { draftLength: 4, lengths: [3, 2] })
  for (const [i, value] of (await sums.data()).entries()) expect(value).toBeCloseTo(expected[i]!, 6)
  for (const tensor of [reached, sums]) tensor.dispose()
})
