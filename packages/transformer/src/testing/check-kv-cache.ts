import { checkPromises, expectRefused, expectSame, type Promises } from '@outrider/tensor/testing'
import type { CausalLM } from '../model/index'
import { readLogits, someIds } from './read-logits'

/**
 * Shows that the caches of a model keep what `KvCache` promises. `checkCausalLM` does so with the rest.
 *
 * @throws OutriderError INVALID_ARGUMENT for a promise that is broken, with how
 */
export async function checkKvCache(model: CausalLM): Promise<void> {
  await checkPromises("The model's cache", promises, model)
}

const promises: Promises<CausalLM> = {
  'a cache is empty at first, of as many sequences and as much room as were asked for'(model) {
    const cache = model.createCache({ batchSize: 3, capacity: 7 })
    expectSame([cache.batchSize, cache.capacity], [3, 7], 'sequences and capacity')
    expectSame(cache.lengths, [0, 0, 0], 'lengths')
    cache.dispose()
    const one = model.createCache({ capacity: 7 })
    expectSame([one.batchSize, ...one.lengths], [1, 0], 'sequences and length where none are asked for')
    one.dispose()
  },

  async 'it goes back by length, all sequences or each, as if what is forgotten had never been read'(model) {
    const [a, b] = [someIds(model, 6), someIds(model, 6, 1)]
    const next = someIds(model, 2, 2)
    const cache = model.createCache({ batchSize: 2, capacity: 9 })
    const after = () => readLogits(model, [next, next], { cache })
    await readLogits(model, [a, b], { cache })
    const six = await after()
    await readLogits(model, [[1], [0]], { cache })
    cache.truncate(6)
    expectSame(cache.lengths, [6, 6], 'lengths')
    const again = await after()
    cache.truncate([4, 6])
    expectSame(cache.lengths, [4, 6], 'lengths, each its own')
    await readLogits(model, [a.slice(4), [0, 0]], { cache, counts: [2, 0] })
    const third = await after()
    for (const sequence of [0, 1])
      for (const row of [0, 1])
        for (const [times, found] of [again, third].entries())
          expectSame(found[sequence]![row]!, six[sequence]![row]!, `row ${row} of ${sequence}, back ${times + 1} times`)
    cache.truncate(0)
    expectSame(cache.lengths, [0, 0], 'lengths of nothing')
    cache.dispose()
  },

  async 'a length beyond the present one is refused by INVALID_ARGUMENT, and changes nothing'(model) {
    const cache = model.createCache({ batchSize: 2, capacity: 8 })
    cache.advance([3, 5])
    for (const length of [4, 6, [2, 6], [4, 1]]) await expectRefused('INVALID_ARGUMENT', () => cache.truncate(length))
    expectSame(cache.lengths, [3, 5], 'lengths')
    cache.dispose()
  },

  async 'tokens are counted as read, up to its capacity; beyond it by CONTEXT_OVERFLOW, which changes nothing'(model) {
    const cache = model.createCache({ batchSize: 2, capacity: 5 })
    cache.advance([2, 0])
    cache.advance([1, 5])
    expectSame(cache.lengths, [3, 5], 'lengths')
    await expectRefused('CONTEXT_OVERFLOW', () => cache.advance([2, 1]))
    await expectRefused('CONTEXT_OVERFLOW', () => cache.advance([3, 0]))
    expectSame(cache.lengths, [3, 5], 'lengths after tokens that were refused')
    cache.advance([2, 0])
    expectSame(cache.lengths, [5, 5], 'lengths at its capacity')
    cache.dispose()
  },

  async 'a sequence is taken over from another cache, in place of what was there, and both go on alike'(model) {
    const [a, b] = [someIds(model, 5), someIds(model, 4, 1)]
    const next = someIds(model, 2, 2)
    const context = 12
    const source = model.createCache({ batchSize: 2, capacity: 8, context })
    const cache = model.createCache({ batchSize: 3, capacity: 12, context })
    await readLogits(model, [[...b, 0], a], { cache: source, counts: [4, 5] })
    await readLogits(model, [b, b, b], { cache })
    cache.copySequence(2, source, 1)
    expectSame(cache.lengths, [4, 4, 5], 'lengths')
    expectSame(source.lengths, [4, 5], 'lengths of the source')
    const there = await readLogits(model, [next, next], { cache: source })
    const here = await readLogits(model, [next, next, next], { cache })
    for (const row of [0, 1]) {
      expectSame(here[2]![row]!, there[1]![row]!, `row ${row} after the sequence that was taken over`)
      expectSame(here[1]![row]!, there[0]![row]!, `row ${row} after the sequence beside it`)
    }
    source.dispose()
    cache.dispose()
  },

  async 'a sequence that there is no room for is refused by CONTEXT_OVERFLOW, and what was there stays'(model) {
    const context = 8
    const source = model.createCache({ capacity: 8, context })
    const cache = model.createCache({ batchSize: 2, capacity: 4, context })
    source.advance([5])
    cache.advance([1, 3])
    await expectRefused('CONTEXT_OVERFLOW', () => cache.copySequence(1, source, 0))
    expectSame(cache.lengths, [1, 3], 'lengths')
    source.truncate(4)
    cache.copySequence(1, source, 0)
    expectSame(cache.lengths, [1, 4], 'lengths of what fits')
    source.dispose()
    cache.dispose()
  },

  async 'where positions can be copied out, they are added behind others of their text as if they had been read there'(
    model,
  ) {
    const ids = someIds(model, 7)
    const next = someIds(model, 2, 1)
    const context = 12
    const source = model.createCache({ batchSize: 2, capacity: 9, context })
    const cache = model.createCache({ batchSize: 2, capacity: 10, context })
    const dispose = () => [source, cache].forEach((one) => void one.dispose())
    if (!source.copyBlock || !cache.appendBlock) return dispose()
    await readLogits(model, [someIds(model, 7, 2), ids], { cache: source })
    const blocks = [source.copyBlock(1, 0, 3), source.copyBlock(1, 3, 4)]
    expectSame([blocks[1]!.first, blocks[1]!.count], [3, 4], 'positions of a block')
    for (const [first, count] of [
      [5, 3],
      [-1, 2],
      [0, 0],
    ] as const)
      await expectRefused('INVALID_ARGUMENT', () => source.copyBlock!(1, first, count))
    const there = await readLogits(model, [next, next], { cache: source, counts: [0, 2] }).then((rows) => rows[1]!)
    source.truncate(0)
    await readLogits(model, [[...next, 0, 0], ids.slice(0, 4)], { cache: source, counts: [2, 4] })
    await readLogits(model, [next, next], { cache, counts: [2, 0] })
    await expectRefused('INVALID_ARGUMENT', () => cache.appendBlock!(1, blocks[1]!))
    for (const block of blocks) cache.appendBlock(1, block)
    expectSame(cache.lengths, [2, 7], 'lengths')
    await expectRefused('INVALID_ARGUMENT', () => cache.appendBlock!(1, blocks[1]!))
    const here = await readLogits(model, [next, next], { cache, counts: [0, 2] }).then((rows) => rows[1]!)
    for (const row of [0, 1]) expectSame(here[row]!, there[row]!, `row ${row} after the blocks`)
    cache.truncate([2, 3])
    const small = model.createCache({ capacity: 4, context })
    small.appendBlock!(0, blocks[0]!)
    await expectRefused('CONTEXT_OVERFLOW', () => small.appendBlock!(0, blocks[1]!))
    expectSame(small.lengths, [3], 'lengths of a cache without room')
    for (const held of [...blocks, small]) held.dispose()
    dispose()
  },

  'its memory is freed'(model) {
    const { liveBuffers } = model.device.memory
    model.createCache({ capacity: 4 }).dispose()
    expectSame([model.device.memory.liveBuffers], [liveBuffers], 'buffers')
  },
}
