import type { Device } from '@outrider/tensor'
import { KernelChoices } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { type Directory, memoryDirectory } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { generateTexts } from '../self-written/texts'
import { rows } from '../sources/rows'
import { tinyModel } from '../tiny-model.fixture'
import { generateDataset } from './generate-dataset'

const chosen = { 'linear 16x16 f32': 'dot', 'linear 24x16 f32': 'dot' } as const
const others = { 'linear 16x16 f32': 'tiled64x64', 'linear 8x16 f32': 'dot' } as const

interface Course {
  folder: Directory
  /** What tuning has found on the adapter. */
  tuned?: Parameters<Device['kernels']['use']>[0]
  stopAfter?: number
  /** What else is done on the device before. */
  before?: (target: ReturnType<typeof tinyModel>) => void
  /** Let the target write texts, in place of answers. */
  texts?: boolean
}

/** A run as in a process of its own: nothing has been chosen on its device. */
async function course({ folder, tuned, stopAfter, before, texts = false }: Course) {
  const device = await testDevice()
  Object.assign(device, { kernels: new KernelChoices() })
  if (tuned) device.kernels.use(tuned)
  const target = tinyModel(device)
  const stop = new AbortController()
  const remarks: string[] = []
  const call = {
    target,
    out: { directory: folder, file: 'rows.jsonl' },
    signal: stop.signal,
    batchSize: 1,
    maxTokens: 4,
    onRemark: (remark: string) => remarks.push(remark),
    onProgress: ({ rows }: { rows: number }) => rows === stopAfter && stop.abort(),
  }
  // Prompts of more than 16 tokens, which tuned kernels read.
  const seeds = rows(
    ['first', 'second'].map((which) => ({
      kind: 'conversation' as const,
      metadata: {},
      messages: [{ role: 'user', content: `The ${which} of some questions, is it long?` }],
    })),
  )
  try {
    before?.(target)
    const run = texts ? generateTexts({ ...call, count: 1 }) : generateDataset({ ...call, seeds, temperatures: [0, 1] })
    await run.catch((error: unknown) => {
      if (!stop.signal.aborted && !texts) throw error // nothing that so small a target writes is worth keeping
    })
    return { rows: await folder.readText('rows.jsonl'), kernels: device.kernels.toJSON(), remarks }
  } finally {
    target.dispose()
  }
}

const recorded = async (folder: Directory) => JSON.parse(await folder.readText('rows.jsonl.kernels.json'))

test('a dataset goes on with the kernels that it was begun with, whatever tuning has found since', async () => {
  const [straight, stopped] = [memoryDirectory(), memoryDirectory()]
  const whole = await course({ folder: straight, tuned: chosen })
  const begun = await course({ folder: stopped, tuned: chosen, stopAfter: 1 })
  expect(begun.rows.split('\n').length).toBeLessThan(whole.rows.split('\n').length)
  const { adapterName } = await testDevice()
  expect(await recorded(stopped)).toEqual({ adapter: adapterName, kernels: chosen })
  expect(await course({ folder: stopped, tuned: others })).toEqual(whole)
  // A file that is whole asks for no kernels.
  const { kernels } = await course({ folder: stopped, tuned: others })
  expect(kernels).toEqual(others)
})

test('one that was begun without tuning goes on without it, and what is left of a removed file says nothing', async () => {
  const folder = memoryDirectory()
  await course({ folder, stopAfter: 1 })
  expect(await folder.list()).toEqual(['rows.jsonl'])
  expect((await course({ folder, tuned: others })).kernels).toEqual({})
  await folder.remove('rows.jsonl')
  await course({ folder, tuned: chosen, stopAfter: 1 })
  await folder.remove('rows.jsonl')
  expect((await course({ folder, tuned: others })).kernels).toEqual(others)
  expect((await recorded(folder)).kernels).toEqual(others)
})

test('one whose kernels cannot be had is refused by name; of another adapter it goes on and says so', async () => {
  const folder = memoryDirectory()
  await course({ folder, tuned: chosen, stopAfter: 1 })
  const used: Course['before'] = ({ model }) => model.forward(model.device.zeros([1, 20], 'u32')).dispose()
  await expect(course({ folder, before: used })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(
      /rows\.jsonl was made with the kernel dot for linear 16x16 f32, and another has run/,
    ),
  })
  const write = (content: object | string) =>
    folder.write('rows.jsonl.kernels.json', typeof content === 'string' ? content : JSON.stringify(content))
  await write({ adapter: (await recorded(folder)).adapter, kernels: { 'linear 16x16 f32': 'tiled512x512' } })
  await expect(course({ folder })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  for (const damaged of ['{', '[]', '{"adapter":"x","kernels":{"linear 16x16 f32":7}}', '{"kernels":{}}']) {
    await write(damaged)
    await expect(course({ folder }), damaged).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  }
  await write({ adapter: 'Another GPU', kernels: chosen })
  const { remarks } = await course({ folder, before: used })
  expect(remarks).toEqual([expect.stringMatching(/rows\.jsonl may have been made with the kernel dot for linear /)])
})

test('what a target writes itself is pinned likewise', async () => {
  const folder = memoryDirectory()
  await course({ folder, tuned: chosen, stopAfter: 1 })
  expect((await course({ folder, tuned: others, texts: true })).kernels).toEqual(chosen)
})
