import { type Batch, type BatchStream, batchesOnce, batchStream, rows } from '@outrider/dataset'
import { kld, lossByName, tvdPlusPlus } from '@outrider/losses'
import { type Device, readAll } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { byteTokenizer, type Directory, memoryDirectory, type PretrainedModel, readJson } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Resumption } from '../checkpoint/checkpoints'
import { evaluate } from '../evaluation/evaluate'
import { distill, distillation } from './distill'
import type { DeviceBatch } from './objective'
import { nextToken, pretrain } from './pretrain'
import { patterns, shortRun, tinyDraft, tinyTarget } from './runs.fixture'
import { TargetStates } from './target-states'
import { type TrainingProgress, train } from './train'

let device: Device
/** Trained on the patterns, so that its distribution is worth imitating. */
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = tinyTarget(device)
  await pretrain(target, patterns, { steps: 60, batchSize: 4, length: 24, learningRate: 1e-2 })
})

const weightsOf = async ({ model }: PretrainedModel) => {
  const values = await readAll(Object.values(model.parameters))
  return Object.fromEntries(Object.keys(model.parameters).map((name, i) => [name, values[i]!]))
}
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

/** A stream that gives the same batches in turn. */
function inTurn(batches: readonly Batch[]): BatchStream {
  let at = 0
  return {
    next: async () => batches[at++ % batches.length]!,
    state: () => at,
    async restore(state) {
      at = state as number
    },
  }
}

describe('pretrain', () => {
  it('learns: the loss falls far below that of guessing, on what it was not trained on too', async () => {
    const draft = tinyDraft(target)
    const validation = await batchesOnce(patterns, draft, { length: 24 })
    const { history, steps } = await pretrain(draft, patterns, {
      steps: 80,
      batchSize: 4,
      length: 24,
      learningRate: 1e-2,
      validation,
      validateEvery: 40,
    })
    expect(steps).toBe(80)
    const losses = history.flatMap(({ loss }) => loss ?? [])
    expect(losses).toHaveLength(80)
    expect(losses[0]!).toBeGreaterThan(5) // ln 258 = 5.55
    expect(mean(losses.slice(-5))).toBeLessThan(2.2)
    const held = history.filter((entry) => entry.eval_loss !== undefined)
    expect(held.map(({ step }) => step)).toEqual([40, 80])
    expect(held[1]!.eval_loss!).toBeLessThan(held[0]!.eval_loss!)
    draft.dispose()
  })
})

describe('pretrain, measured against a target,', () => {
  it('reports α and the simulated acceptance length that distillation would, and learns as without', async () => {
    const [draft, other] = [tinyDraft(target), tinyDraft(target)]
    const validation = await batchesOnce(patterns, target, { length: 24 })
    const { history } = await pretrain(draft, patterns, {
      ...shortRun,
      steps: 3,
      target,
      validation,
      draftLengths: [3],
    })
    const plain = await pretrain(other, patterns, { ...shortRun, steps: 3 })
    expect(history.filter(({ loss }) => loss !== undefined)).toEqual(plain.history)
    expect(history.at(-1)).toEqual({
      step: 3,
      ...(await evaluate(draft, distillation(draft, target, kld), validation, [3])),
    })
    expect(history.at(-1)!.eval_acceptance_rate).toBeGreaterThan(0)
    for (const model of [draft, other]) model.dispose()
  })

  it('refuses a target of another tokenizer', async () => {
    const draft = { ...tinyDraft(target), tokenizer: byteTokenizer({ specialTokens: ['<a>', '<b>'] }) }
    await expect(pretrain(draft, patterns, { steps: 1, target })).rejects.toMatchObject({ code: 'VOCABULARY_MISMATCH' })
    draft.dispose()
  })
})

describe('distill', () => {
  for (const name of ['kld', 'tvd', 'tvd++', 'tvd++-sequence-sampled'])
    it(`raises α with ${name}, and leaves the target as it was`, async () => {
      const draft = tinyDraft(target)
      const before = await weightsOf(target)
      const validation = await batchesOnce(patterns, target, { length: 24 })
      const measure = { batchSize: 4, length: 24, validation, draftLengths: [3] }
      const { history } = await distill({
        ...measure,
        draft,
        target,
        data: patterns,
        loss: lossByName(name),
        steps: 60,
        learningRate: 1e-2,
        validateEvery: 10,
      })
      const held = history.filter((entry) => entry.eval_acceptance_rate !== undefined)
      const [first, last] = [held[0]!, held.at(-1)!]
      expect(last.eval_acceptance_rate!).toBeGreaterThan(first.eval_acceptance_rate! + 0.15)
      expect(last.eval_acceptance_length![3]!).toBeGreaterThan(first.eval_acceptance_length![3]!)
      expect(last.eval_acceptance_length![3]!).toBeLessThanOrEqual(4)
      expect(history[0]!.statistics).toEqual(name.startsWith('tvd++') ? { sigma: expect.any(Number) } : undefined)
      expect(await weightsOf(target)).toEqual(before)
      draft.dispose()
    })

  it('ends in the same bytes where what the target says is kept, and the target reads a batch once', async () => {
    const run = async (loss: string, targetStates?: TargetStates) => {
      const draft = tinyDraft(target)
      const options = { ...shortRun, steps: 4, data: patterns, loss: lossByName(loss), targetStates }
      const { history } = await distill({ draft, target, ...options })
      const weights = await weightsOf(draft)
      draft.dispose()
      return { history, weights }
    }
    const live = device.memory.liveBytes
    const dispatched = async <T>(body: () => T | Promise<T>): Promise<[T, number]> => {
      const { dispatches } = device.counters
      return [await body(), device.counters.dispatches - dispatches]
    }
    const states = new TargetStates()
    const [first, reading] = await dispatched(() => run('kld', states))
    const [second, remembering] = await dispatched(() => run('tvd', states))
    const [, onePass] = await dispatched(() =>
      device.scope(() => void target.model.hidden(device.zeros([1, 4], 'u32'))),
    )
    expect(reading - remembering).toBe(4 * shortRun.accumulation * onePass)
    expect(first).toEqual(await run('kld'))
    expect(second).toEqual(await run('tvd'))
    expect(device.memory.liveBytes - live).toBe(states.bytes)
    expect(() => states.of(tinyDraft(target), {} as DeviceBatch)).toThrow(/another target/)
    states.dispose()
    expect(device.memory.liveBytes - live).toBeLessThan(100_000)

    const little = new TargetStates({ maxBytes: 5000 })
    expect(await run('kld', little)).toEqual(first)
    expect(little.bytes).toBeLessThanOrEqual(5000)
    little.dispose()
  })

  it('refuses a draft of another tokenizer', async () => {
    const draft = { ...tinyDraft(target), tokenizer: byteTokenizer({ specialTokens: ['<a>', '<b>'] }) }
    await expect(distill({ draft, target, data: patterns, loss: kld, steps: 1 })).rejects.toMatchObject({
      code: 'VOCABULARY_MISMATCH',
    })
    draft.dispose()
  })
})

describe('train', () => {
  it('adds gradients up over batches as if they were one, however many positions count in each', async () => {
    const stream = await batchStream(patterns, target, { batchSize: 4, length: 24 })
    const whole = await stream.next()
    whole.lossMask.fill(0, 0, 20)
    const half = (begin: number): Batch => ({
      tokens: whole.tokens.slice(begin * whole.length, (begin + 2) * whole.length),
      labels: whole.labels.slice(begin * whole.length, (begin + 2) * whole.length),
      lossMask: whole.lossMask.slice(begin * whole.length, (begin + 2) * whole.length),
      batchSize: 2,
      length: whole.length,
    })
    const [one, two] = [tinyDraft(target), tinyDraft(target)]
    for (const objective of [nextToken(one.config), distillation(one, target, kld)]) {
      const a = await train(one, objective, inTurn([whole]), { steps: 1 })
      const b = await train(two, objective, inTurn([half(0), half(2)]), { steps: 1, accumulation: 2 })
      await expectAllClose([b.history[0]!.loss!], [a.history[0]!.loss!], { relative: 1e-5 })
      await expectAllClose([b.history[0]!.grad_norm!], [a.history[0]!.grad_norm!], { relative: 1e-4 })
      if (a.history[0]!.acceptance_rate !== undefined)
        await expectAllClose([b.history[0]!.acceptance_rate!], [a.history[0]!.acceptance_rate!], { relative: 1e-5 })
    }
    one.dispose()
    two.dispose()
  })

  it('reports every step, with the rate of its schedule', async () => {
    const draft = tinyDraft(target)
    const seen: TrainingProgress[] = []
    const { history } = await pretrain(draft, patterns, {
      ...shortRun,
      decay: 'linear',
      onStep: (progress) => seen.push(progress),
    })
    expect(seen.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(seen.at(-1)).toMatchObject({ steps: 12, tokens: 12 * 2 * 2 * 24 })
    const rates = history.map((entry) => entry.learning_rate!)
    expect(rates[1]).toBeCloseTo(5e-3)
    expect(rates.slice(3).every((rate, i) => rate < rates[i + 2]!)).toBe(true)
    draft.dispose()
  })

  it('stops where the loss is no number', async () => {
    const draft = tinyDraft(target)
    draft.model.parameters['model.norm.weight']!.write(new Float32Array(16).fill(Number.NaN))
    await expect(pretrain(draft, patterns, { steps: 3 })).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/Not finite in step 1: the loss \(NaN\)/),
      details: { step: 1, loss: Number.NaN, tensors: ['model.norm.weight'] },
    })
    draft.dispose()
  })

  it('refuses what cannot be', async () => {
    const draft = tinyDraft(target)
    const run = (options: object) => pretrain(draft, patterns, { steps: 1, ...options })
    await expect(run({ steps: 0 })).rejects.toThrow(/positive number of steps/)
    await expect(run({ accumulation: 0 })).rejects.toThrow(/accumulation/)
    await expect(run({ batchSize: -1 })).rejects.toThrow(/batchSize/)
    const unmasked = rows([{ kind: 'tokens', tokens: [1, 2], lossMask: [0, 0] }])
    await expect(pretrain(draft, unmasked, { steps: 1 })).rejects.toThrow(/nothing to learn/)
    draft.dispose()
  })

  it('holds as much device memory after 200 steps as after two', async () => {
    const draft = tinyDraft(target)
    const live: number[] = []
    await distill({
      draft,
      target,
      data: patterns,
      loss: tvdPlusPlus(),
      steps: 200,
      batchSize: 2,
      length: 16,
      onStep: () => live.push(device.memory.liveBytes),
    })
    expect(new Set(live).size).toBe(1)
    draft.dispose()
  })
})

describe('a run that was stopped', () => {
  const distilled = async (checkpoints: Directory, options: Partial<Parameters<typeof distill>[0]> = {}) => {
    const draft = tinyDraft(target)
    const all = { ...shortRun, draft, target, data: patterns, loss: tvdPlusPlus({ estimator: 'sampled' }), checkpoints }
    const { history } = await distill({ ...all, ...options }).finally(() => options.signal?.aborted && draft.dispose())
    const weights = await weightsOf(draft)
    draft.dispose()
    return { history, weights }
  }
  const abortedAt = async (checkpoints: Directory, at: number) => {
    const controller = new AbortController()
    const run = distilled(checkpoints, {
      signal: controller.signal,
      onStep: ({ step }) => step === at && controller.abort(),
    })
    await expect(run).rejects.toMatchObject({ code: 'ABORTED', message: expect.stringContaining(`after step ${at} `) })
  }

  it('goes on from its last step and ends in the same bytes: weights, history, optimiser, data position', async () => {
    const straight = memoryDirectory()
    const expected = await distilled(straight)
    const stopped = memoryDirectory()
    await abortedAt(stopped, 4)
    const resumed = await distilled(stopped, { resume: true })
    expect(resumed).toEqual(expected)
    for (const file of await straight.list('checkpoint-12'))
      expect(await stopped.read(`checkpoint-12/${file}`), file).toEqual(await straight.read(`checkpoint-12/${file}`))
  })

  it('keeps the newest checkpoints, and only those', async () => {
    const run = memoryDirectory()
    await distilled(run)
    expect(JSON.parse(new TextDecoder().decode(await run.read('checkpoints.json')))).toEqual({
      checkpoints: ['checkpoint-9', 'checkpoint-12'],
    })
    expect(await run.list('checkpoint-6')).toEqual([])
    expect(await run.list('checkpoint-9')).toContain('optimizer.safetensors')
  })

  it('counts only checkpoints that are complete', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3)
    await run.write('checkpoint-5/model.safetensors', new Uint8Array(10)) // killed while it was written
    const { history } = await distilled(run, { resume: true })
    expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  })

  it('does not go on with other settings or data', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3)
    await expect(distilled(run, { resume: true, loss: kld })).rejects.toThrow(/made with objective "distill tvd\+\+/)
    await expect(distilled(run, { resume: true, learningRate: 1 })).rejects.toThrow(/learning_rate/)
    await expect(distilled(run, { resume: true, batchSize: 3 })).rejects.toThrow(/batch size/)
    const wider = tinyDraft(target)
    await expect(distilled(run, { resume: true, draft: tinyTarget(device) })).rejects.toThrow(/model\.layers\.1|shape/)
    wider.dispose()
  })

  it('goes on from the older checkpoint where a byte of the newest has changed, and ends in the same bytes', async () => {
    const straight = memoryDirectory()
    const expected = await distilled(straight)
    const files = await straight.list('checkpoint-9')
    expect(files).toEqual(expect.arrayContaining(['checksums.json', 'optimizer.safetensors', 'trainer_state.json']))
    // It says which weights are the model's: vLLM and SGLang would read the moments, too.
    expect(files).toContain('model.safetensors.index.json')
    for (const file of files) {
      const run = memoryDirectory()
      await abortedAt(run, 7)
      const bytes = await run.read(`checkpoint-7/${file}`)
      bytes[bytes.length - 9]! ^= 1
      await run.write(`checkpoint-7/${file}`, bytes)
      const resumptions: Resumption[] = []
      const onResume = (resumption: Resumption) => resumptions.push(resumption)
      expect(await distilled(run, { resume: true, onResume }), file).toEqual(expected)
      expect(resumptions).toMatchObject([
        {
          checkpoint: 'checkpoint-6',
          verified: true,
          damaged: [{ checkpoint: 'checkpoint-7', error: { code: 'FILE_FORMAT' } }],
        },
      ])
      expect(await run.list('checkpoint-7')).toEqual([])
    }
  })

  it('keeps no checkpoint of an earlier run when it begins anew in its directory', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 4)
    await distilled(run, { steps: 5, checkpointEvery: 5 })
    expect(await readJson(run, 'checkpoints.json')).toEqual({ checkpoints: ['checkpoint-5'] })
    for (const other of [3, 4]) expect(await run.list(`checkpoint-${other}`)).toEqual([])
  })

  it('takes no checkpoint that has lost a file, or that is only a name', async () => {
    for (const damage of [
      (run: Directory) => run.remove('checkpoint-7/optimizer.safetensors'),
      (run: Directory) => run.write('checkpoints.json', '{"checkpoints":["checkpoint-6","checkpoint-8"]}'),
    ]) {
      const run = memoryDirectory()
      await abortedAt(run, 7)
      await damage(run)
      let from: string | undefined
      await distilled(run, { resume: true, onResume: ({ checkpoint }) => (from = checkpoint) })
      expect(from).toBe('checkpoint-6')
    }
  })

  it('reads a checkpoint without checksums, as older versions wrote them, and says that it is not verified', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3)
    await run.remove('checkpoint-3/checksums.json')
    const resumptions: Resumption[] = []
    const { history } = await distilled(run, { resume: true, onResume: (resumption) => resumptions.push(resumption) })
    expect(history).toHaveLength(12)
    expect(resumptions).toEqual([{ checkpoint: 'checkpoint-3', verified: false, damaged: [] }])
  })

  it('is refused where no checkpoint is whole, with the file that is damaged', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3)
    const weights = await run.read('checkpoint-3/model.safetensors')
    weights[weights.length - 1]! ^= 128
    await run.write('checkpoint-3/model.safetensors', weights)
    await expect(distilled(run, { resume: true })).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringContaining('checkpoint-3/model.safetensors is not what was written'),
    })
  })

  it('says what is damaged in a checkpoint', async () => {
    const damaged = async (file: string, content: string | Uint8Array) => {
      const run = memoryDirectory()
      await abortedAt(run, 3)
      await run.write(file, content)
      await expect(distilled(run, { resume: true }), file).rejects.toMatchObject({ name: 'OutriderError' })
    }
    await damaged('checkpoints.json', '{}')
    await damaged('checkpoints.json', '{"checkpoints":["checkpoint-3"')
    await damaged('checkpoints.json', '{"checkpoints":["../run/checkpoint-3"]}')
    await damaged('checkpoint-3/trainer_state.json', '{}')
    await damaged('checkpoint-3/optimizer.safetensors', new Uint8Array(4))
  })
})
