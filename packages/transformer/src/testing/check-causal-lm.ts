import { checkPromises, expectAllClose, expectRefused, expectSame, type Promises } from '@outrider/tensor/testing'
import { RepeatedStep } from '../generation/repeated-step'
import type { CausalLM, KvCache } from '../model/index'
import { checkKvCache } from './check-kv-cache'
import { readLogits, someIds } from './read-logits'

/**
 * Shows that a model keeps what `CausalLM` promises to those who decode and speculate with it, and its caches what `KvCache`
 * does. It reads a few passes of up to 16 tokens, so the model may be of any size; its context is to be of 16 positions or more.
 *
 * @throws OutriderError INVALID_ARGUMENT for a promise that is broken, with how
 */
export async function checkCausalLM(model: CausalLM): Promise<void> {
  await checkPromises('The model', promises, model)
  await checkKvCache(model)
}

/** Rows up to which the bits of one do not depend on how many there are. */
const rows = 16

const promises: Promises<CausalLM> = {
  async 'logits are f32 [batch, rows, vocabulary], and of the last tokens of each sequence where that is asked for'(
    model,
  ) {
    const sequences = [someIds(model, 5), someIds(model, 5, 1)]
    const all = await readLogits(model, sequences)
    const last = await readLogits(model, sequences, { rows: 'last' })
    for (const [b, sequence] of last.entries()) expectSame(sequence[0]!, all[b]![4]!, `the last row of sequence ${b}`)
    const three = await readLogits(model, sequences, { rows: 3 })
    for (const [b, sequence] of three.entries())
      for (const [i, row] of sequence.entries())
        expectSame(row, all[b]![2 + i]!, `row ${i} of the last 3 of sequence ${b}`)
  },

  async 'logits are numbers'(model) {
    // A token may be left out, by −∞.
    for (const row of (await readLogits(model, [someIds(model, rows)]))[0]!)
      for (const [id, logit] of row.entries())
        if (!(logit < Number.POSITIVE_INFINITY)) throw new Error(`the logit of id ${id} is ${logit}`)
  },

  async 'a row has the same bits however many of up to 16 rows are read with it'(model) {
    const ids = someIds(model, rows)
    const [whole] = await cached(model, 1, (cache) => readLogits(model, [ids], { cache }))
    // All sizes of passes, at other places each.
    const divisions = [
      new Array<number>(rows).fill(1),
      ...Array.from({ length: rows / 2 }, (_, i) => [i + 1, rows - 1 - i]),
    ]
    for (const counts of divisions)
      await cached(model, 1, async (cache) => {
        let first = 0
        for (const count of counts) {
          const [part] = await readLogits(model, [ids.slice(first, first + count)], { cache })
          for (const [i, row] of part!.entries())
            expectSame(row, whole![first + i]!, `row ${first + i}, read with ${count - 1} others`)
          first += count
        }
      })
  },

  async 'a sequence has the same bits whatever the others of the batch are'(model) {
    const ids = someIds(model, 5)
    const [alone] = await readLogits(model, [ids])
    for (const at of [0, 2]) {
      const others = [1, 2, 3].map((stream) => someIds(model, 5, stream)).with(at, ids)
      const batch = await readLogits(model, others)
      for (const [i, row] of batch[at]!.entries()) expectSame(row, alone![i]!, `row ${i} of sequence ${at} of 3`)
    }
  },

  async 'with a cache it computes what it computes without one'(model) {
    const ids = someIds(model, 8)
    const [whole] = await readLogits(model, [ids])
    await cached(model, 1, async (cache) => {
      for (const [first, end] of [
        [0, 5],
        [5, 6],
        [6, 8],
      ] as const) {
        const [part] = await readLogits(model, [ids.slice(first, end)], { cache })
        for (const [i, row] of part!.entries()) await expectAllClose(row, whole![first + i]!, { absolute: 1e-5 })
      }
    })
  },

  async 'prompts of unequal length, padded on the right, are read together as they are read alone'(model) {
    const prompts = [3, 7, 1].map((length, b) => someIds(model, length, b))
    const next = someIds(model, 3, 4)
    const alone = await Promise.all(
      prompts.map((prompt, b) =>
        cached(model, 1, async (cache) => [
          (await readLogits(model, [prompt], { cache, rows: 'last' }))[0]![0]!,
          (await readLogits(model, [[next[b]!]], { cache }))[0]![0]!,
        ]),
      ),
    )
    const counts = prompts.map(({ length }) => length)
    for (const padding of [0, model.config.vocabularySize - 1])
      await cached(model, 3, async (cache) => {
        const first = await readLogits(model, prompts, { cache, rows: 'last', counts }, padding)
        expectSame(cache.lengths, counts, 'lengths after the prompts')
        // Of the second sequence nothing is read at first.
        const some = await readLogits(model, [[next[0]!], [padding], [next[2]!]], { cache, counts: [1, 0, 1] })
        expectSame(cache.lengths, [4, 7, 2], 'lengths after a token of two of them')
        const rest = await readLogits(model, [[padding], [next[1]!], [padding]], { cache, counts: [0, 1, 0] })
        const after = [some[0]!, rest[1]!, some[2]!]
        for (const [b, [prompt, token]] of alone.entries()) {
          expectSame(first[b]![0]!, prompt!, `prompt ${b}`)
          expectSame(after[b]![0]!, token!, `the token after prompt ${b}`)
        }
      })
  },

  async 'rows that are packed have the bits of those that are padded (where it packs)'(model) {
    if (!model.packs) return
    for (const counts of [
      [3, 0, 1, 6],
      [2, 2, 2, 2],
    ]) {
      const sequences = counts.map((count, b) => someIds(model, count, b))
      await cached(model, 4, async (cache) => {
        const first = counts.map((_, b) => someIds(model, 4, b + 4))
        await readLogits(model, first, { cache, counts: [2, 4, 1, 3] })
        const padded = await readLogits(model, sequences, { cache, counts })
        expectSame(
          cache.lengths,
          [2, 4, 1, 3].map((length, b) => length + counts[b]!),
          'lengths after padded rows',
        )
        cache.truncate([2, 4, 1, 3])
        const [packed] = await readLogits(model, [sequences.flat()], { cache, counts, packed: true })
        expectSame(
          cache.lengths,
          [2, 4, 1, 3].map((length, b) => length + counts[b]!),
          'lengths after packed rows',
        )
        const rows = counts.flatMap((count, b) => padded[b]!.slice(0, count))
        for (const [i, row] of rows.entries()) expectSame(packed![i]!, row, `packed row ${i}`)
      })
    }
  },

  async 'tokens that there is no room for are refused by CONTEXT_OVERFLOW, and nothing has been read'(model) {
    const ids = someIds(model, 6)
    const cache = model.createCache({ capacity: 4 })
    await readLogits(model, [ids.slice(0, 3)], { cache })
    await expectRefused('CONTEXT_OVERFLOW', () => readLogits(model, [ids.slice(3, 5)], { cache }))
    expectSame(cache.lengths, [3], 'lengths after tokens that were refused')
    const [last] = await readLogits(model, [ids.slice(3, 4)], { cache })
    const [whole] = await readLogits(model, [ids.slice(0, 4)])
    await expectAllClose(last![0]!, whole![3]!, { absolute: 1e-5 })
    cache.dispose()
  },

  async 'a step that is done again goes on where the cache ends (where passes are replayable, by a replay)'(model) {
    const { device } = model
    const ids = someIds(model, 6)
    const [expected] = await cached(model, 1, (cache) => readLogits(model, [ids], { cache }))
    await cached(model, 1, async (cache) => {
      await readLogits(model, [ids.slice(0, 2)], { cache })
      const unread = device.empty([1, 1], 'u32')
      const step = new RepeatedStep(model, cache, () => ({ logits: model.forward(unread, { cache }) }))
      for (const [i, id] of ids.slice(2).entries()) {
        unread.write(Uint32Array.of(id))
        const logits = (await step.run(0).logits.data()) as Float32Array
        expectSame(logits, expected![i + 2]!, `the row at position ${i + 2}`)
      }
      expectSame(cache.lengths, [6], 'lengths after the steps')
      step.dispose()
      unread.dispose()
    })
  },

  async 'a pass leaves nothing on the device but its logits'(model) {
    const cache = model.createCache({ capacity: rows })
    const counted = async () => {
      await readLogits(model, [someIds(model, 3)], { cache, rows: 'last' })
      await readLogits(model, [someIds(model, 3)])
      return model.device.memory.liveBuffers
    }
    // What is made once, at first, is the model's.
    expectSame([await counted()], [await counted()], 'buffers before and after a pass')
    cache.dispose()
  },
}

async function cached<T>(model: CausalLM, batchSize: number, use: (cache: KvCache) => Promise<T>): Promise<T> {
  const cache = model.createCache({ batchSize, capacity: rows })
  try {
    return await use(cache)
  } finally {
    cache.dispose()
  }
}
