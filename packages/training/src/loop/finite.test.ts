import { batchesOnce } from '@outrider/dataset'
import { lossByName, lossNames } from '@outrider/losses'
import { add, type Device, differentiable, type Tensor } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { memoryDirectory, type PretrainedModel, readJson } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { poison, tinyModel, tinyWeight as weight } from '../../../transformer/src/pretrained/tiny-model.fixture'
import { evaluate } from '../evaluation/evaluate'
import { distill, distillation } from './distill'
import type { Objective } from './objective'
import { nextToken, pretrain } from './pretrain'
import { patterns, shortRun, tinyDraft, tinyTarget } from './runs.fixture'
import { streamOf } from './stream-of'
import { train } from './train'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = tinyTarget(device)
})

const settings = { steps: 2, batchSize: 2, length: 16, seed: 5 }

const weightsOf = async ({ model }: PretrainedModel) =>
  Promise.all(Object.values(model.parameters).map((tensor) => tensor.data()))

/** An objective whose value is as it was, and one number of whose gradient is none. */
const withPoisonedGradient = (objective: Objective): Objective => ({
  ...objective,
  loss(parameters, batch) {
    const { value, aux } = objective.loss(parameters, batch)
    return { value: add(value, nothing(parameters[weight]!)), aux }
  },
})
const nothing = (x: Tensor): Tensor =>
  differentiable(device.zeros([]), {
    name: 'nothing',
    inputs: [x],
    gradient: () => [
      () =>
        device.tensor(
          Float32Array.from({ length: x.size }, (_, i) => (i === 5 ? Number.NaN : 0)),
          { shape: x.shape },
        ),
    ],
  })

describe('a run in which a number is none', () => {
  for (const name of lossNames)
    it(`stops before its first step with ${name}: in a weight of the draft, of the target, in a gradient`, async () => {
      const loss = lossByName(name)
      const draft = tinyDraft(target)
      const before = await weightsOf(draft)
      const stream = await streamOf({ data: patterns, speaker: target, models: { target, draft } }, settings)
      const run = train(draft, withPoisonedGradient(distillation(draft, target, loss)), stream, settings)
      await expect(run).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: expect.stringContaining(`step 1: the gradient of ${weight}`),
        remedy: expect.stringContaining('Check the weights'),
      })
      expect(await weightsOf(draft)).toEqual(before)

      const broken = tinyTarget(device)
      await poison(broken)
      const data = await streamOf({ data: patterns, speaker: target, models: { target, draft } }, settings)
      await expect(distill({ draft, target: broken, data, loss, ...settings })).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: expect.stringMatching(/step 1: the loss \(NaN\)/),
        details: { step: 1, tensors: [] },
      })
      expect(await weightsOf(draft)).toEqual(before)

      await poison(draft, { value: Number.POSITIVE_INFINITY })
      await expect(distill({ draft, target, data, loss, ...settings })).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: expect.stringContaining(`the weight ${weight}`),
        details: { step: 1, tensors: [weight] },
      })
      broken.dispose()
      draft.dispose()
    })

  it('does not begin where a weight is none that its first rows do not meet', async () => {
    const draft = tinyModel(device, { tieWordEmbeddings: false })
    const rare = 'model.embed_tokens.weight' // of the last byte, which no row has
    await poison(draft, { weight: rare, place: 255 * 16 + 3 })
    const steps: number[] = []
    const run = pretrain(draft, patterns, { ...settings, onStep: ({ step }) => steps.push(step) })
    await expect(run).rejects.toMatchObject({ code: 'NOT_FINITE', details: { step: 1, tensors: [rare] } })
    expect(steps).toEqual([])
    draft.dispose()
  })

  it('leaves the last good checkpoint, whether it is found in the step or in what would be saved', async () => {
    for (const [learningRate, last] of [
      [3e38, ['checkpoint-1']], // its weights are numbers, and nothing that is computed with them
      [1e-3, ['checkpoint-2']],
    ] as const) {
      const draft = tinyDraft(target)
      const checkpoints = memoryDirectory()
      const run = pretrain(draft, patterns, {
        ...shortRun,
        learningRate,
        warmup: 0,
        checkpoints,
        checkpointEvery: 1,
        keepCheckpoints: 1,
        onStep: ({ step }) => {
          if (step === 3) draft.model.parameters[weight]!.write(new Float32Array(16 * 24).fill(Number.NaN))
        },
      })
      await expect(run).rejects.toMatchObject({ code: 'NOT_FINITE' })
      const kept = (await checkpoints.has('checkpoints.json')) ? await readJson(checkpoints, 'checkpoints.json') : null
      expect((kept as { checkpoints: string[] } | null)?.checkpoints ?? []).toEqual(last)
      draft.dispose()
    }
  })

  it('does not end well where its last step made the weights so, and nothing is saved', async () => {
    const draft = tinyDraft(target)
    const run = pretrain(draft, patterns, { ...settings, steps: 1, warmup: 0, learningRate: Number.MAX_VALUE })
    await expect(run).rejects.toMatchObject({ code: 'NOT_FINITE', message: expect.stringContaining('the weight') })
    draft.dispose()
  })

  it('does not end well where what was told of the last step changed the weights so, saved or not', async () => {
    for (const checkpoints of [undefined, memoryDirectory()]) {
      const draft = tinyDraft(target)
      const onStep = () => draft.model.parameters[weight]!.write(new Float32Array(16 * 24).fill(Number.NaN))
      const run = pretrain(draft, patterns, { ...settings, steps: 1, ...(checkpoints && { checkpoints }), onStep })
      await expect(run).rejects.toMatchObject({ code: 'NOT_FINITE', details: { tensors: [`the weight ${weight}`] } })
      expect(await checkpoints?.has('checkpoints.json')).toBeFalsy()
      draft.dispose()
    }
  })

  it('names the weight, where the held-out rows are the first to meet it', async () => {
    const draft = tinyDraft(target)
    const validation = await batchesOnce(patterns, target, { length: 16 })
    const run = pretrain(draft, patterns, {
      ...settings,
      learningRate: Number.MAX_VALUE,
      warmup: 0,
      validation,
      validateEvery: 1,
    })
    await expect(run).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/in step 1: the weight /),
    })
    draft.dispose()
  })

  it('gives its memory back', async () => {
    const draft = tinyDraft(target)
    await poison(draft)
    const live = device.memory.liveBuffers
    await expect(pretrain(draft, patterns, settings)).rejects.toMatchObject({ code: 'NOT_FINITE' })
    expect(device.memory.liveBuffers).toBe(live)
    draft.dispose()
  })
})

describe('held-out figures', () => {
  it('are refused where draft or target computes what is no number', async () => {
    const draft = tinyDraft(target)
    const batches = await batchesOnce(patterns, target, { length: 16 })
    const broken = tinyTarget(device)
    await poison(broken)
    const refused = { code: 'NOT_FINITE', message: expect.stringMatching(/Held-out batch 0, row 0, position 0/) }
    const measured = (objective: Objective) => evaluate(draft, objective, batches)
    await expect(measured(nextToken(draft, { target: broken }))).rejects.toMatchObject(refused)
    await expect(measured(distillation(draft, broken, lossByName('tvd')))).rejects.toMatchObject(refused)
    expect((await measured(nextToken(draft, { target }))).eval_acceptance_rate).toBeGreaterThan(0)
    await poison(draft)
    await expect(measured(nextToken(draft))).rejects.toMatchObject(refused)
    broken.dispose()
    draft.dispose()
  })
})
