import { madeUpDrafts, measureBlocks } from '@outrider/speculative'
import { type CausalLM, loadCausalLM, madeUpTokens, prefill, resolveSampling } from '@outrider/transformer'
import { rounded } from '../compare'
import { kernelTimes } from '../kernel-times'
import type { Row, Suite } from '../suite'

const contexts = [64, 540]
const rowCounts = [1, 2, 3, 4, 5, 6, 8, 9, 16]
const repetitions = 9

/**
 * What greedy blocks of a model cost by the rows of the target's pass and by what lies in the cache. A draft that is looked up
 * costs nothing, so that all of it is the pass, its verification and the host. `of_one` is in blocks of one row after as many
 * tokens.
 */
export const passesSuite: Suite = {
  name: 'passes',
  summary: 'blocks of 1 to 16 rows of a model of yours after 64 and 540 tokens, in turns (--model)',
  async run({ device, note, now, model: source, profile }) {
    if (!source) return []
    const { model } = await loadCausalLM(source, { device })
    const rows: Row[] = []
    for (const context of contexts) {
      note(`blocks after ${context} tokens`)
      const blocks = await measureBlocks({
        target: model,
        drafter: madeUpDrafts,
        sampling: resolveSampling({ temperature: 0 }),
        draftLengths: rowCounts.map((count) => count - 1),
        context,
        repetitions,
        now,
      })
      const ms = (seconds: number) => rounded(seconds * 1000)
      for (const { draftLength, blockSeconds, targetSeconds, verificationSeconds, readbackSeconds } of blocks)
        rows.push({
          after: context,
          rows: draftLength + 1,
          block_ms: ms(blockSeconds),
          of_one: rounded(blockSeconds / blocks[0]!.blockSeconds),
          pass_ms: ms(targetSeconds),
          verification_ms: ms(verificationSeconds),
          readback_ms: ms(readbackSeconds),
        })
      if (profile) profile.push(...(await kernelsOfPasses(model, context)))
    }
    model.dispose()
    return rows
  },
}

async function kernelsOfPasses(model: CausalLM, context: number): Promise<Row[]> {
  const { device, config } = model
  const cache = model.createCache({ capacity: context + 16 })
  prefill(model, cache, madeUpTokens(context, config.vocabularySize)).dispose()
  await device.idle()
  const rows: Row[] = []
  for (const count of rowCounts) {
    const pass = async () => {
      const tokens = device.tensor(Uint32Array.from(madeUpTokens(count, config.vocabularySize)), { shape: [1, count] })
      device.scope(() => model.forward(tokens, { cache })).dispose()
      cache.truncate(context)
      tokens.dispose()
    }
    rows.push(...(await kernelTimes(device, `${count} rows after ${context}`, pass)))
  }
  cache.dispose()
  return rows
}
