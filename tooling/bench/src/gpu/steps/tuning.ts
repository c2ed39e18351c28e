import { memoryDirectory, tuneKernels } from '@outrider/transformer'
import { randomModel } from '../random-model'
import type { GpuStep } from '../step'

/** What `outrider tune` gains here, by shape; and whether a kernel is wrong. */
export const tuningStep: GpuStep = {
  name: 'tuning',
  summary: 'linear layers of prompts by kernel, before and after tuning, in f16 and q4_0; and how long caches are cut',
  limit: 50,
  async run({ device, world, settings: { size }, emit }) {
    for (const dtype of ['f16', 'q4_0'] as const) {
      const model = randomModel(device, { ...world.target, layers: 1 }, dtype)
      const rows = size === 'tiny' ? 20 : undefined
      // Decoding's choice is a matter of the heads, and the same for weights of any dtype.
      for (const work of dtype === 'f16' ? (['prompts', 'decoding'] as const) : (['prompts'] as const)) {
        const directory = memoryDirectory()
        const { weights, notReached } = await tuneKernels(model.model, {
          ...{ work, directory, budget: 12_000 },
          rows: work === 'prompts' ? rows : undefined,
        })
        for (const { key, rows, standard, chosen, milliseconds, wrong } of weights) {
          const [before, ms] = [milliseconds[standard], milliseconds[chosen]]
          const gain = before !== undefined && ms !== undefined ? before / ms : undefined
          emit({
            ...{ case: key, rows, kernel: chosen, ms, before: standard, gain },
            wrong: wrong.length > 0 ? wrong.join(', ') : undefined,
          })
          for (const [kernel, ms] of Object.entries(milliseconds))
            if (kernel !== chosen) emit({ case: key, rows, kernel, ms })
        }
        for (const key of notReached) emit({ case: key, kernel: 'not reached in time' })
      }
      model.dispose()
    }
  },
}
