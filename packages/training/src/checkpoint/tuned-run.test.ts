import { kld } from '@outrider/losses'
import { type Device, readAll } from '@outrider/tensor'
import { KernelChoices } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { type Directory, memoryDirectory, readJson } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { distill } from '../loop/distill'
import { logitsOnly } from '../loop/logits-only.fixture'
import { patterns, tinyDraft, tinyTarget } from '../loop/runs.fixture'
import type { Resumption, TrainerState } from './checkpoints'

const chosen = { 'linear 16x16 f32': 'dot', 'linear 24x16 f32': 'dot', 'linear 16x24 f32': 'dot' } as const
const others = { 'linear 16x16 f32': 'tiled64x64', 'linear 8x16 f32': 'dot' } as const

interface Course {
  run: Directory
  /** What tuning has found on the adapter. */
  tuned?: Parameters<Device['kernels']['use']>[0]
  stopAfter?: number
  resume?: boolean
  /** What else is done on the device before. */
  before?: (device: Device, target: ReturnType<typeof tinyTarget>) => void
}

/** A run as in a process of its own: nothing has been chosen on its device. */
async function course({ run, tuned, stopAfter, resume = false, before }: Course) {
  const device = await testDevice()
  Object.assign(device, { kernels: new KernelChoices() })
  if (tuned) device.kernels.use(tuned)
  const target = tinyTarget(device)
  const draft = tinyDraft(target)
  try {
    before?.(device, target)
    const controller = new AbortController()
    let remarks: readonly string[] = []
    const done = await distill({
      draft,
      target: logitsOnly(target), // of which nothing is rounded
      data: patterns,
      loss: kld,
      steps: 2,
      batchSize: 2,
      length: 24,
      seed: 5,
      checkpoints: run,
      resume,
      signal: controller.signal,
      onStep: ({ step }) => step === stopAfter && controller.abort(),
      onResume: (resumption: Resumption) => {
        remarks = resumption.remarks
      },
    }).catch((error: unknown) => {
      if (!controller.signal.aborted) throw error
      return undefined
    })
    return { history: done?.history, weights: await readAll(Object.values(draft.model.parameters)), remarks }
  } finally {
    for (const held of [target, draft]) held.dispose()
  }
}

const stateOf = async (run: Directory) => (await readJson(run, 'checkpoint-1/trainer_state.json')) as TrainerState

test('a run goes on with the kernels that it was begun with, whatever tuning has found since', async () => {
  const [straight, stopped] = [memoryDirectory(), memoryDirectory()]
  const whole = await course({ run: straight, tuned: chosen })
  await course({ run: stopped, tuned: chosen, stopAfter: 1 })
  expect((await stateOf(stopped)).identity!.kernels).toEqual(chosen)
  const resumed = await course({ run: stopped, tuned: others, resume: true })
  expect(resumed).toEqual(whole)
  for (const file of await straight.list('checkpoint-2'))
    expect(await stopped.read(`checkpoint-2/${file}`), file).toEqual(await straight.read(`checkpoint-2/${file}`))
  // Which is not so by itself: they compute in another order.
  const { weights } = await course({ run: memoryDirectory(), tuned: others })
  expect(weights).not.toEqual(whole.weights)
})

test('one whose kernels cannot be had is refused by name; on another adapter it goes on and says so', async () => {
  const run = memoryDirectory()
  await course({ run, tuned: chosen, stopAfter: 1 })
  const used: Course['before'] = (_, target) =>
    target.model.forward(target.model.device.zeros([1, 20], 'u32')).dispose()
  await expect(course({ run, resume: true, before: used })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(
      /checkpoint-1 was made with the kernel dot for linear \d+x\d+ f32, and another has run on this device already\. /,
    ),
  })
  const state = await stateOf(run)
  const rewritten = (changes: object) => {
    const identity = { ...state.identity!, ...changes }
    return Promise.all([
      run.write('checkpoint-1/trainer_state.json', JSON.stringify({ ...state, identity })),
      run.remove('checkpoint-1/checksums.json').catch(() => {}),
    ])
  }
  const kernels = { ...chosen, 'linear 24x16 f32': 'tiled512x512' }
  await rewritten({ kernels })
  await expect(course({ run, resume: true })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/the kernel tiled512x512 for linear 24x16 f32, which this adapter does not have/),
  })
  await rewritten({ kernels, adapter: 'Another GPU' })
  const { remarks } = await course({ run, resume: true, before: used })
  expect(remarks).toEqual([
    expect.stringContaining('made on Another GPU'),
    expect.stringMatching(/checkpoint-1 may have been made with the kernel dot for linear /),
  ])
})
