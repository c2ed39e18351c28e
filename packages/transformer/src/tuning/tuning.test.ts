import { createDevice, type Device } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { likeGpu } from '@outrider/tensor/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryDirectory } from '../files/index'
import { warmUp } from '../generation/index'
import type { CausalLM } from '../model/index'
import { tinyModel } from '../pretrained/tiny-model.fixture'
import { readTuning, tuneKernels, tuningDirectory, useTuning, writeTuning } from './index'
import { tuningFile } from './tuning-file'
import { useOrTune } from './use-tuning'

// Not the tests' device: what ran on one keeps its kernels, and other files of this process may have run these shapes.
let device: Device

beforeAll(async () => {
  device = await createDevice({ adapter: nodeAdapter() })
})

afterAll(() => device?.dispose())

const options = { rows: 20, budget: 300_000 }

/** A model that shows no weights. */
function closedOf(model: CausalLM): CausalLM {
  const { parameters: _, ...closed } = { ...model, device: model.device, config: model.config }
  return closed as CausalLM
}

describe('what tuning found', () => {
  it('is kept for an adapter, read again, used from then on, and made anew where it is damaged', async () => {
    const { model } = tinyModel(device)
    const directory = memoryDirectory()
    const tuning = await tuneKernels(model, { ...options, directory })
    // q and output, gate and up, down, k and v; the embedding is the head.
    const keys = ['16x16', '16x24', '24x16', '258x16', '8x16'].map((shape) => `linear ${shape} f32`)
    expect(tuning.weights.map(({ key }) => key).sort()).toEqual(keys)
    expect(tuning.weights.at(-1)!.key).toBe('linear 258x16 f32')
    const kept = await readTuning(device, directory)
    expect(kept).toEqual({ kernels: tuning.kernels, timed: keys, wrong: {} })
    expect(device.kernels.toJSON()).toEqual(tuning.kernels)

    const file = await tuningFile(device)
    const text = await directory.readText(file)
    const damaged = [
      text.slice(0, -30),
      '',
      '[]',
      text.replace(/"kernels": \{[^}]*\}/, '"kernels": {"linear 16x16 f32": "plain"}'),
      text.replace(/"kernels": \{[^}]*\}/, '"kernels": {"linear 9x9 f32": "dot"}'),
    ]
    for (const content of damaged) {
      await directory.write(file, content)
      expect(await readTuning(device, directory), content).toBeUndefined()
      expect(await useTuning(device, { directory }), content).toBeUndefined()
    }
    await useOrTune(model, { ...options, directory })
    expect((await readTuning(device, directory))!.timed).toEqual(keys)
    model.dispose()
  })

  it('is used where it is there, and of a model that was timed in part the rest is timed beside it', async () => {
    const { model } = tinyModel(device, { hiddenSize: 32, headDim: 16 })
    const directory = memoryDirectory()
    const wrong = { 'linear 5x8 f32': ['tiled64x64'] }
    await writeTuning(device, { kernels: { 'linear 5x8 f32': 'dot' }, timed: ['linear 5x8 f32'], wrong }, directory)
    await useOrTune(model, { ...options, directory })
    const kept = (await readTuning(device, directory))!
    expect(kept.timed).toContain('linear 5x8 f32')
    expect(kept.timed).toContain('linear 32x32 f32')
    expect(kept.kernels['linear 5x8 f32']).toBe('dot')
    expect(kept.wrong).toEqual(wrong)
    const written = await directory.readText(await tuningFile(device))
    await useOrTune(model, { ...options, directory, budget: 1e-9 }) // which nothing would be found in
    expect(await directory.readText(await tuningFile(device))).toBe(written)
    model.dispose()
  })

  it('is of training, where it is asked for: three products of each matrix, the largest first, kept beside the rest', async () => {
    const { model } = tinyModel(device)
    const directory = memoryDirectory()
    const inNoTime = { directory, work: 'training', budget: 1e-9 } as const
    const { weights, notReached } = await tuneKernels(model, inNoTime)
    expect(weights).toEqual([])
    expect(notReached).toHaveLength(15)
    expect(notReached.slice(0, 4)).toEqual([
      ...['NT', 'NN', 'TN'].map((form) => `matmul ${form} 258x16 f32`),
      `matmul NT ${notReached[3]!.split(' ')[2]} f32`,
    ])
    const mixed = tuneKernels(model, { ...inNoTime, precision: 'mixed' })
    if (device.capabilities.shaderF16)
      expect((await mixed).notReached.slice(0, 4)).toEqual([
        'matmul NT 258x16 f16',
        'matmul NN 258x16 f32*f16',
        'matmul TN 258x16 f32*f16',
        expect.stringMatching(/^matmul NT \S+ f16$/),
      ])
    else await expect(mixed).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const kernels = { 'linear 5x8 f32': 'dot', 'matmul TN 5x8 f32': 'outer' } as const
    await writeTuning(device, { kernels, timed: [], wrong: {} }, directory)
    expect((await readTuning(device, directory))!.kernels).toEqual(kernels)
    const foreign = { 'matmul TN 5x8 f32': 'spans' } as const
    await writeTuning(device, { kernels: foreign, timed: [], wrong: {} }, directory)
    expect(await readTuning(device, directory)).toBeUndefined()
    model.dispose()
  })

  it('is of decoding, where it is asked for and caches are cut: a length of parts for each dtype of the cache that the heads take', async () => {
    const like = await likeGpu()
    const directory = memoryDirectory()
    const options = { directory, work: 'decoding' } as const
    const { model } = tinyModel(like, { hiddenSize: 64, headDim: 32 })
    const { heads, kvHeads } = model.config
    const keys = ['f32', 'f16', 'q8_0'].map((cache) => `attention ${heads}/${kvHeads}x32 ${cache}`)
    expect((await tuneKernels(model, { ...options, budget: 1e-9 })).notReached).toEqual(keys)
    const kernels = { [keys[0]!]: 'parts64' } as const
    await writeTuning(like, { kernels, timed: keys, wrong: {} }, directory)
    expect((await useTuning(like, { directory }))?.kernels).toEqual(kernels)
    const config = { vocabularySize: 1, contextLength: 1 }
    await expect(tuneKernels({ ...closedOf(model), config }, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    model.dispose()
    like.dispose()
    const { model: there } = tinyModel(device)
    expect(await tuneKernels(there, { ...options, budget: 1e-9 })).toEqual({ weights: [], notReached: [], kernels: {} })
    there.dispose()
  })

  it('is nothing where tuning is aborted, or the model shows no weights', async () => {
    const { model } = tinyModel(device)
    const directory = memoryDirectory()
    const stop = new AbortController()
    const aborted = tuneKernels(model, { ...options, directory, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await directory.list()).toEqual([])
    await expect(tuneKernels(closedOf(model), { directory })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    stop.abort()
    await expect(warmUp(model, { tune: true, signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    model.dispose()
  })

  it('lies in the cache folder of the user', () => {
    expect(tuningDirectory({ XDG_CACHE_HOME: '/caches' }).name).toBe('/caches/outrider')
    expect(tuningDirectory({ HOME: '/home/mira' }).name).toBe('/home/mira/.cache/outrider')
  })
})
