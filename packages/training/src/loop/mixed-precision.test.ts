import { kld, tvdPlusPlus } from '@outrider/losses'
import { type Device, readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import {
  createDraft,
  type Directory,
  memoryDirectory,
  type PretrainedModel,
  parallelDraft,
} from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { distill } from './distill'
import { stepGradients } from './gradients'
import type { LogEntry } from './log'
import { nextToken, pretrain } from './pretrain'
import { patterns, shortRun, tinyDraft, tinyTarget } from './runs.fixture'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = tinyTarget(device)
})

/**
 * A test of what mixed precision does, on an adapter with shader-f16 (Mesa's lavapipe has it, SwiftShader has not). On another
 * adapter it is a test of the refusal.
 */
const inMixed = (name: string, body: () => Promise<void>) =>
  it(`${name} (with shader-f16; without it, is refused)`, async () => {
    if (device.capabilities.shaderF16) return body()
    const draft = tinyDraft(target)
    const live = device.memory.liveBytes
    await expect(pretrain(draft, patterns, { ...shortRun, precision: 'mixed' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('shader-f16'),
      remedy: expect.stringContaining("precision 'f32'"),
    })
    expect(device.memory.liveBytes).toBe(live)
    draft.dispose()
  })

const weightsOf = ({ model }: PretrainedModel) => readAll(Object.values(model.parameters))
const losses = (history: readonly LogEntry[]) => history.flatMap(({ loss }) => loss ?? [])

describe('mixed precision', () => {
  inMixed('has the loss of f32 and gradients in its direction, scaled or not', async () => {
    const draft = tinyDraft(target)
    const batch = {
      tokens: Uint32Array.from({ length: 48 }, (_, i) => 97 + (i % 5)),
      labels: Uint32Array.from({ length: 48 }, (_, i) => 97 + ((i + 1) % 5)),
      lossMask: new Float32Array(48).fill(1),
      batchSize: 2,
      length: 24,
    }
    const compute = async (scale?: number) => {
      const { gradients, norm, ...figures } = await stepGradients(draft, nextToken(draft), [batch], {
        seed: 0,
        scale,
      })
      const data = await readAll(Object.values(gradients))
      for (const tensor of [norm, ...Object.values(gradients)]) tensor.dispose()
      return { ...figures, gradients: data.map((values) => Float64Array.from(values, (value) => value / (scale ?? 1))) }
    }
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    const exact = await compute()
    for (const scale of [1, 1024, 65_536]) {
      const mixed = await compute(scale)
      expect(mixed.overflowed, `scale ${scale}`).toBe(false)
      expect(Math.abs(mixed.loss / exact.loss - 1)).toBeLessThan(2e-3)
      expect(Math.abs(mixed.gradientNorm / exact.gradientNorm - 1)).toBeLessThan(1e-2)
      for (const [i, gradient] of mixed.gradients.entries()) {
        const other = exact.gradients[i]!
        const cosine = dot(gradient, other) / Math.sqrt(dot(gradient, gradient) * dot(other, other))
        expect(cosine, `scale ${scale}, ${Object.keys(draft.model.parameters)[i]}`).toBeGreaterThan(0.995)
      }
    }
    draft.dispose()
  })

  inMixed('skips steps whose gradients overflow, and learns when the scale has come down', async () => {
    const draft = tinyDraft(target)
    const before = await weightsOf(draft)
    const settings = { ...shortRun, precision: 'mixed', lossScale: { initial: 2 ** 40, growthInterval: 4 } } as const
    const skips: (true | undefined)[] = []
    const onStep = ({ skipped }: { skipped?: true }) => skips.push(skipped)
    const first = await pretrain(draft, patterns, { ...settings, steps: 1, onStep })
    expect(first.history[0]).toMatchObject({ skipped: true, loss_scale: 2 ** 40 })
    expect(first.history[0]).not.toHaveProperty('grad_norm')
    expect(skips).toEqual([true])
    expect(await weightsOf(draft)).toEqual(before)

    const { history } = await pretrain(draft, patterns, { ...settings, steps: 40 })
    const skipped = history.flatMap(({ skipped }, i) => (skipped ? [i] : []))
    expect(skipped.length).toBeGreaterThan(5)
    expect(skipped.length).toBeLessThan(30)
    for (const [i, { loss_scale, skipped }] of history.slice(0, -1).entries()) {
      const next = history[i + 1]!.loss_scale!
      expect(skipped ? next === loss_scale! / 2 : next === loss_scale || next === 2 * loss_scale!).toBe(true)
    }
    expect(losses(history).at(-1)!).toBeLessThan(losses(history)[0]! - 0.5)
    draft.dispose()
  })

  inMixed('stopped and resumed, ends in the same bytes, the scale and its counts included', async () => {
    const run = async (checkpoints: Directory, options: { signal?: AbortSignal; at?: AbortController } = {}) => {
      const draft = tinyDraft(target)
      const { at, ...rest } = options
      try {
        const { history } = await distill({
          ...shortRun,
          ...rest,
          draft,
          target,
          data: patterns,
          loss: tvdPlusPlus({ estimator: 'sampled' }),
          precision: 'mixed',
          // Some steps are skipped before the interruption, and some after; the scale grows in between.
          lossScale: { initial: 2 ** 26, growthInterval: 3 },
          checkpoints,
          resume: true,
          onStep: ({ step }) => step === 5 && at?.abort(),
        })
        return { history, weights: await weightsOf(draft) }
      } finally {
        draft.dispose()
      }
    }
    const straight = memoryDirectory()
    const expected = await run(straight)
    const skipped = expected.history.flatMap(({ skipped, step }) => (skipped ? [step] : []))
    expect(skipped.length).toBeGreaterThan(0)
    expect(skipped.length).toBeLessThan(9)
    const stopped = memoryDirectory()
    const at = new AbortController()
    await expect(run(stopped, { signal: at.signal, at })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await run(stopped)).toEqual(expected)
    for (const file of await straight.list('checkpoint-12'))
      expect(await stopped.read(`checkpoint-12/${file}`), file).toEqual(await straight.read(`checkpoint-12/${file}`))

    const draft = tinyDraft(target)
    const other = { ...shortRun, draft, target, data: patterns, loss: tvdPlusPlus({ estimator: 'sampled' }) }
    await expect(distill({ ...other, checkpoints: stopped, resume: true })).rejects.toThrow(
      /made with precision "mixed"/,
    )
    const mixed = { ...other, precision: 'mixed', lossScale: { initial: 2 ** 26, growthInterval: 3 } } as const
    const state = JSON.parse(new TextDecoder().decode(await stopped.read('checkpoint-12/trainer_state.json')))
    const damaged = new TextEncoder().encode(JSON.stringify({ ...state, loss_scaler: undefined }))
    await stopped.write('checkpoint-12/trainer_state.json', damaged)
    await stopped.remove('checkpoint-12/checksums.json') // with them it is found damaged, and the one before it serves
    await expect(distill({ ...mixed, checkpoints: stopped, resume: true })).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringContaining('loss scale'),
    })
    draft.dispose()
  })

  inMixed('teaches a draft to propose a block in one pass as f32 does: loss, gradient, and α by position', async () => {
    const run = async (precision: 'f32' | 'mixed') => {
      const sequential = tinyDraft(target)
      const draft = parallelDraft(sequential)
      sequential.dispose()
      const parallel = { draftLength: 4, weighting: 'reach' } as const
      const taught = {
        ...shortRun,
        draft,
        target,
        data: patterns,
        loss: kld,
        parallel,
        precision,
        warmup: 0,
        steps: 30,
      }
      const { history } = await distill(taught)
      draft.dispose()
      return history.filter(({ skipped }) => !skipped)
    }
    const [full, mixed] = [await run('f32'), await run('mixed')]
    const near = (of: (entry: LogEntry) => number, at: number, share: number) =>
      expect(Math.abs(of(mixed.at(at)!) / of(full.at(at)!) - 1)).toBeLessThan(share)
    expect(mixed[0]!.loss).not.toBe(full[0]!.loss)
    near(({ loss }) => loss!, 0, 2e-3)
    near(({ grad_norm }) => grad_norm!, 0, 1e-2)
    for (let k = 0; k < 4; k++) near(({ parallel }) => parallel!.acceptance_rates[k]!, 0, 2e-3)
    near(({ loss }) => loss!, -1, 2e-2)
    expect(losses(mixed).at(-1)!).toBeLessThan(0.8 * losses(mixed)[0]!)
  })

  inMixed('has the same bits with activation checkpointing', async () => {
    const run = async (activationCheckpointing: boolean) => {
      const draft = tinyDraft(target)
      const options = { ...shortRun, steps: 4, draft, target, data: patterns, loss: kld, precision: 'mixed' } as const
      const { history } = await distill({ ...options, activationCheckpointing })
      const weights = await weightsOf(draft)
      draft.dispose()
      return { history, weights }
    }
    expect(await run(true)).toEqual(await run(false))
  })

  inMixed('needs less memory at its peak, and leaves none behind', async () => {
    const draft = createDraft(target, { layers: 3, hiddenSize: 32, heads: 4, intermediateSize: 64, seed: 1 })
    const peak = async (precision: 'f32' | 'mixed') => {
      const live: number[] = []
      device.resetPeak()
      const before = device.memory.liveBytes
      const run = { steps: 4, batchSize: 8, length: 64, precision, onStep: () => live.push(device.memory.liveBytes) }
      await pretrain(draft, patterns, run)
      expect(new Set(live).size).toBe(1)
      expect(device.memory.liveBytes).toBe(before)
      return device.memory.peakBytes - before
    }
    const [full, mixed] = [await peak('f32'), await peak('mixed')]
    expect(mixed).toBeLessThan(0.75 * full)
    draft.dispose()
  })
})

it('refuses a precision that there is not, and a scale that is no power of two', async () => {
  const draft = tinyDraft(target)
  await expect(pretrain(draft, patterns, { ...shortRun, precision: 'f16' as never })).rejects.toThrow(/f32 or mixed/)
  if (device.capabilities.shaderF16)
    await expect(
      pretrain(draft, patterns, { ...shortRun, precision: 'mixed', lossScale: { initial: 1000 } }),
    ).rejects.toThrow(/power of two, not 1000/)
  draft.dispose()
})
