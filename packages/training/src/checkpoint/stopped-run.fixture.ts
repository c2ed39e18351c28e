import { tvdPlusPlus } from '@outrider/losses'
import type { Directory } from '@outrider/transformer'
import { expect } from 'vitest'
import { distill } from '../loop/distill'
import { patterns, shortRun, tinyDraft, weightsOf } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'

type RunOptions = Partial<Parameters<typeof distill>[0]>

/** The short run, with checkpoints; drawn tokens, so that random numbers must go on, too. */
export async function distilled(checkpoints: Directory, options: RunOptions = {}) {
  const target = await trainedTarget()
  const draft = tinyDraft(target)
  const all = { ...shortRun, draft, target, data: patterns, loss: tvdPlusPlus({ estimator: 'sampled' }), checkpoints }
  const { history } = await distill({ ...all, ...options }).finally(() => options.signal?.aborted && draft.dispose())
  const weights = await weightsOf(draft)
  draft.dispose()
  return { history, weights }
}

/** The same, stopped after a step. */
export async function abortedAt(checkpoints: Directory, at: number, options: RunOptions = {}) {
  const controller = new AbortController()
  const run = distilled(checkpoints, {
    ...options,
    signal: controller.signal,
    onStep: ({ step }) => step === at && controller.abort(),
  })
  await expect(run).rejects.toMatchObject({ code: 'ABORTED', message: expect.stringContaining(`after step ${at} `) })
}
