import { batchesOnce, type DataSource, mix, rows } from '@outrider/dataset'
import { kld, lossByName } from '@outrider/losses'
import { type Device, readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { createDraft, loadCausalLM, memoryDirectory, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { abortedAt, distilled } from '../checkpoint/stopped-run.fixture'
import { distill, distillation } from '../loop/distill'
import { stepGradients } from '../loop/gradients'
import type { StepBatch } from '../loop/objective'
import { patterns, tinyDraft } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'
import { TargetStates } from '../states/target-states'
import { onPolicy } from './on-policy'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = await trainedTarget()
})

/** The patterns as questions: six letters are the prompt, the others the answer. */
const prompted: DataSource = rows(
  Array.from({ length: 8 }, (_, i) => {
    const tokens = Array.from({ length: 16 + (i % 3) }, (_, at) => 97 + ((i + (at % 3)) % 8))
    return { kind: 'tokens' as const, tokens, lossMask: tokens.map((_, at) => (at < 6 ? 0 : 1)) }
  }),
  'questions',
)

const oneStep = { batchSize: 4, length: 24, steps: 1, loss: kld, data: prompted }

describe('on-policy distillation', () => {
  it('goes on after a stop to the same bytes, and only with the same share', async () => {
    const options = { data: mix({ prompted: [prompted, 3], patterns: [patterns, 1] }), onPolicy: { share: 0.5 } }
    const straight = memoryDirectory()
    const expected = await distilled(straight, options)
    expect(expected.history.map(({ on_policy }) => on_policy !== undefined)).toEqual(Array(12).fill(true))
    const stopped = memoryDirectory()
    await abortedAt(stopped, 4, options)
    await expect(distilled(stopped, { ...options, onPolicy: { share: 0.25 }, resume: true })).rejects.toThrow(
      /made with on_policy \{"share":0.5,"temperature":1,.*"seed":5\}; this run has \{"share":0.25/,
    )
    await expect(distilled(stopped, { data: options.data, resume: true })).rejects.toThrow(/this run has undefined/)
    expect(await distilled(stopped, { ...options, resume: true })).toEqual(expected)
    for (const file of await straight.list('checkpoint-12'))
      expect(await stopped.read(`checkpoint-12/${file}`), file).toEqual(await straight.read(`checkpoint-12/${file}`))
  })

  it('draws of a share of the batches, evenly spread, and of none for 0', async () => {
    const draft = tinyDraft(target)
    const given = await batchesOnce(prompted, target, { batchSize: 1, length: 24 })
    const { stepBatches } = onPolicy(draft, { share: 0.3 })
    const drawn = []
    for (let first = 0; first < 10; first += 2)
      for (const batch of await stepBatches!(given.slice(0, 2), first)) drawn.push(batch.drawn ?? false)
    expect(drawn.flatMap((isDrawn, number) => (isDrawn ? [number] : []))).toEqual([3, 6, 9])
    expect(onPolicy(draft, { share: 0 })).toEqual({})
    for (const options of [{ share: 1.1 }, { share: Number.NaN }, { share: 0.5, temperature: -1 }])
      expect(() => onPolicy(draft, options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    draft.dispose()
  })

  it.each([
    ['whole', {}],
    ['trimmed', { vocabulary: [97, 98, 99, 100, 101, 102, 103, 104, 257] }],
  ])('draws with the weights as they are at the step: a %s draft', async (_, trimming) => {
    const draft = createDraft(target, { layers: 1, hiddenSize: 16, heads: 2, ...trimming, seed: 7 })
    const batches = await batchesOnce(prompted, target, { batchSize: 8, length: 24 })
    const tokensBy = async (model: PretrainedModel) =>
      (await onPolicy(model, { share: 1 }).stepBatches!(batches, 0)).map(({ labels }) => labels.join())
    const before = await tokensBy(draft)
    await distill({ ...oneStep, draft, target, steps: 20, learningRate: 1e-2, onPolicy: { share: 0.5 } })
    const after = await tokensBy(draft)
    expect(after).not.toEqual(before)
    const directory = memoryDirectory()
    await saveCausalLM(draft, directory)
    const stored = await loadCausalLM(directory, { device, dtype: 'f32' })
    expect(await tokensBy(stored)).toEqual(after)
    for (const model of [draft, stored]) model.dispose()
  })

  it.each(['kld', 'tvd++', 'tvd++-sequence-sampled', 'negative-log-acceptance'])(
    'has the gradient of the same rows given as data, with %s',
    async (name) => {
      const draft = tinyDraft(target)
      const given = await batchesOnce(prompted, target, { batchSize: 8, length: 24 })
      const gradientsOf = async (batches: readonly StepBatch[], options = {}) => {
        const objective = distillation(draft, target, lossByName(name), options)
        const step = await stepGradients(draft, objective, (await objective.stepBatches?.(batches, 0)) ?? batches, {
          seed: 1,
        })
        const values = await readAll(Object.values(step.gradients))
        for (const tensor of [step.norm, ...Object.values(step.gradients)]) tensor.dispose()
        return { loss: step.loss, values }
      }
      const [drawn] = (await onPolicy(draft, { share: 1 }).stepBatches!(given, 0)) as [StepBatch]
      const asRows = Array.from({ length: drawn.batchSize }, (_, row) => {
        const [begin, end] = [row * drawn.length, (row + 1) * drawn.length]
        const lossMask = [0, ...drawn.lossMask.subarray(begin, end)]
        const tokens = [drawn.tokens[begin]!, ...drawn.labels.subarray(begin, end)]
        const length = lossMask.lastIndexOf(1) + 1
        return { kind: 'tokens' as const, tokens: tokens.slice(0, length), lossMask: lossMask.slice(0, length) }
      })
      const data = await batchesOnce(rows(asRows, 'drawn'), target, { batchSize: 8, length: 24 })
      expect(await gradientsOf(given, { onPolicy: { share: 1 } })).toEqual(await gradientsOf(data))
      draft.dispose()
    },
  )

  it('keeps nothing of what the target says of drawn rows, in memory or in files', async () => {
    const draft = tinyDraft(target)
    const directory = memoryDirectory()
    using targetStates = new TargetStates({ directory, fileBytes: 1 })
    const run = { ...oneStep, draft, target, steps: 2, targetStates }
    await distill({ ...run, onPolicy: { share: 1 } })
    expect(targetStates.figures).toEqual({ fromMemory: 0, fromDirectory: 0, computed: 8 })
    expect(targetStates.bytes).toBe(0)
    const folders = async () => (await directory.list()).filter((file) => file.endsWith('.safetensors'))
    expect(await folders()).toEqual([])
    await distill({ ...run, onPolicy: { share: 0.5 } }) // the first batch is of the data
    expect(targetStates.figures).toEqual({ fromMemory: 0, fromDirectory: 0, computed: 16 })
    expect(targetStates.bytes).toBeGreaterThan(0)
    draft.dispose()
  })

  it('says how much of a step was drawn, and α apart', async () => {
    const draft = tinyDraft(target)
    const data = mix({ prompted: [prompted, 1], patterns: [patterns, 1] })
    const { history } = await distill({ ...oneStep, data, draft, target, steps: 4, onPolicy: { share: 0.5 } })
    expect(history.map(({ on_policy }) => on_policy !== undefined)).toEqual([false, true, false, true])
    for (const { on_policy, acceptance_rate } of history) {
      if (!on_policy) continue
      const { share, acceptance_rate: drawn, data_acceptance_rate: others } = on_policy
      expect(share).toBeGreaterThan(0.1)
      expect(share).toBeLessThan(0.7)
      expect(drawn).not.toBeCloseTo(others!, 4)
      expect(share * drawn! + (1 - share) * others!).toBeCloseTo(acceptance_rate!, 5)
    }
    draft.dispose()
  })

  it('leaves held-out batches as they are', async () => {
    const validation = await batchesOnce(prompted, target, { batchSize: 4, length: 24 })
    const heldOut = async (share: number) => {
      const draft = tinyDraft(target)
      const run = { ...oneStep, draft, target, validation, learningRate: 1e-30 }
      const { history } = await distill({ ...run, onPolicy: { share } })
      draft.dispose()
      return history.at(-1)
    }
    expect(await heldOut(1)).toEqual(await heldOut(0))
  })
})
