import {
  type Batch,
  type BatchStream,
  batchesOnce,
  batchStream,
  type DataSource,
  mix,
  rows,
  texts,
} from '@outrider/dataset'
import { kld, lossByName, tvdPlusPlus } from '@outrider/losses'
import { type Device, readAll } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { byteTokenizer, type Directory, memoryDirectory, type PretrainedModel, readJson } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { latestCheckpoint, type Resumption, type TrainerState } from '../checkpoint/checkpoints'
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

/** The same model with a shorter context. */
const shorter = (model: PretrainedModel, contextLength: number): PretrainedModel =>
  ({ ...model, config: { ...model.config, contextLength }, dispose: () => model.dispose() }) as PretrainedModel

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

  it('goes on when it is measured against another, and tells of it', async () => {
    const run = memoryDirectory()
    const validation = await batchesOnce(patterns, target, { length: 24 })
    const pretrained = async (options: Partial<Parameters<typeof pretrain>[2]>) => {
      const remarks: string[] = []
      const draft = tinyDraft(target)
      const { history } = await pretrain(draft, patterns, {
        ...shortRun,
        steps: 2,
        checkpoints: run,
        checkpointEvery: 1,
        validation,
        target,
        onResume: (resumption) => remarks.push(...resumption.remarks),
        ...options,
      })
      draft.dispose()
      return { history, remarks }
    }
    const at = new AbortController()
    await expect(pretrained({ signal: at.signal, onStep: () => at.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const other = tinyTarget(device)
    const { history, remarks } = await pretrained({ resume: true, target: other })
    expect(remarks).toEqual([expect.stringMatching(/another target \(its weights .*: α and acceptance lengths/)])
    expect(history.at(-1)!.eval_acceptance_rate).toBeGreaterThan(0)
    other.dispose()
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

  it('refuses rows beyond the context of the draft or of the target, its own and held-out ones', async () => {
    const short = shorter(tinyDraft(target), 16)
    const long = tinyDraft(target)
    const run = (
      draft: PretrainedModel,
      target_: PretrainedModel,
      options: object,
      data: BatchStream | DataSource = patterns,
    ) => distill({ draft, target: target_, data, loss: kld, steps: 1, batchSize: 2, ...options })
    await expect(run(short, target, { length: 24 })).rejects.toThrow(/length is 24, beyond the context of the draft/)
    await expect(run(long, shorter(target, 16), { length: 24 })).rejects.toThrow(/context of the target/)
    await expect(run(long, target, { length: 65 })).rejects.toThrow(/which has 64 positions/)
    const batches = await batchesOnce(patterns, target, { length: 24 })
    await expect(run(short, target, {}, inTurn(batches))).rejects.toThrow(
      /learns position 16, beyond the context of the draft, which has 16/,
    )
    await expect(run(short, target, { validation: batches })).rejects.toThrow(/beyond the context of the draft/)
    await expect(pretrain(short, patterns, { steps: 1, length: 24 })).rejects.toThrow(/context of the draft/)
    await expect(pretrain(long, patterns, { steps: 1, length: 24, target: shorter(target, 16) })).rejects.toThrow(
      /context of the target/,
    )
    // Left out, the length is what all can read; padding may go beyond.
    const odd = shorter(tinyDraft(target), 13)
    expect((await run(odd, target, {})).history).toHaveLength(1)
    for (const draft of [short, long, odd]) draft.dispose()
  })

  it('tells of rows that are learned only in part', async () => {
    const draft = tinyDraft(target)
    const heard: string[] = []
    const data = rows([{ kind: 'tokens', tokens: [1, 2, 3, 4, 5, 6], lossMask: [1, 1, 1, 1, 1, 1] }], 'ids')
    const onLeftOut = ({ message }: { message: string }) => heard.push(message)
    await distill({ draft, target, data, loss: kld, steps: 2, batchSize: 1, length: 4, onLeftOut })
    expect(heard).toEqual([expect.stringMatching(/^ids: of 1 row 1 is learned only as far as 4 tokens/)])
    draft.dispose()
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
  const abortedAt = async (
    checkpoints: Directory,
    at: number,
    options: Partial<Parameters<typeof distill>[0]> = {},
  ) => {
    const controller = new AbortController()
    const run = distilled(checkpoints, {
      ...options,
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
    await expect(distilled(run, { resume: true, draft: tinyTarget(device) })).rejects.toThrow(
      /another draft: \w+ was .*, and is/,
    )
  })

  it('goes on only as the run that was begun, and names what is another', async () => {
    const run = memoryDirectory()
    const mixed = (shares: [number, number], last = 'the last') =>
      mix({ patterns: [patterns, shares[0]], others: [texts(['one text', 'another', last]), shares[1]] })
    const validation = await batchesOnce(patterns, target, { length: 24 })
    await abortedAt(run, 1, { data: mixed([9, 1]), validation })
    const resumed = (options: Partial<Parameters<typeof distill>[0]>) =>
      distilled(run, { data: mixed([9, 1]), resume: true, ...options })
    await expect(resumed({ data: mixed([1, 9]) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/checkpoint-1 was made with another mixture: the share of patterns was "90 %"/),
    })
    await expect(resumed({ data: mixed([9, 1], 'the list') })).rejects.toThrow(/made with other rows in others\. /)
    await expect(resumed({ data: patterns })).rejects.toThrow(/2 sources of rows, and this run has 1/)
    await expect(resumed({ draft: tinyDraft(target, 8) })).rejects.toThrow(
      /another draft: its weights are not the same/,
    )
    const other = tinyTarget(device)
    await expect(resumed({ target: other })).rejects.toThrow(/another target: its weights are not the same/)
    const twin = { ...kld, name: tvdPlusPlus({ estimator: 'sampled' }).name }
    await expect(resumed({ loss: twin })).rejects.toThrow(/another loss of the same name/)
    await expect(resumed({ seed: 6 })).rejects.toThrow(/The seed 6 is not what/)
    const remarks: string[] = []
    const { history } = await resumed({
      data: mixed([18, 2]),
      onResume: (resumption) => remarks.push(...resumption.remarks),
    })
    expect(history).toHaveLength(12)
    expect(remarks).toEqual([])
    const fewer = validation.slice(1)
    await abortedAt(run, 1, { data: mixed([9, 1]), validation })
    await resumed({
      data: mixed([9, 1]),
      validation: fewer,
      onResume: (resumption) => remarks.push(...resumption.remarks),
    })
    expect(remarks).toEqual([expect.stringMatching(/other held-out rows/)])
    other.dispose()
  })

  it('goes on with the draft as it was in memory when the run stopped', async () => {
    const run = memoryDirectory()
    const draft = tinyDraft(target)
    const controller = new AbortController()
    const all = { ...shortRun, draft, target, data: patterns, loss: tvdPlusPlus({ estimator: 'sampled' }) }
    const stopped = distill({ ...all, checkpoints: run, signal: controller.signal, onStep: () => controller.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    const { history } = await distill({ ...all, checkpoints: run, resume: true })
    expect({ history, weights: await weightsOf(draft) }).toEqual(await distilled(memoryDirectory()))
    draft.dispose()
  })

  it('goes on upon another adapter, and from what an older version wrote, and says so', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 1)
    await run.remove('checkpoint-1/checksums.json')
    const state = (await readJson(run, 'checkpoint-1/trainer_state.json')) as TrainerState
    for (const [identity, remark] of [
      [{ ...state.identity!, adapter: 'Another GPU' }, /made on Another GPU, and this is .*last bits/],
      [undefined, /older version.*rows, target and draft/],
    ] as const) {
      await run.write('checkpoint-1/trainer_state.json', JSON.stringify({ ...state, identity }))
      const controller = new AbortController()
      let said: readonly string[] = []
      const onResume = ({ remarks }: Resumption) => {
        said = remarks
        controller.abort()
      }
      await expect(distilled(run, { resume: true, onResume, signal: controller.signal })).rejects.toThrow(
        'after step 1',
      )
      expect(said).toEqual([expect.stringMatching(remark)])
      await run.remove('checkpoint-1/checksums.json')
    }
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

  it('is not taken for the one before it in the directory, also where it ends before its first checkpoint', async () => {
    const other = { data: texts(['another text', 'and one more']), steps: 2 }
    const expected = await distilled(memoryDirectory(), other)
    for (const damaged of [false, true]) {
      const run = memoryDirectory()
      await abortedAt(run, 4)
      if (damaged) await run.write('checkpoints.json', '{"checkp')
      const onStep = () => {
        throw new Error('power cut')
      }
      await expect(distilled(run, { ...other, onStep })).rejects.toThrow('power cut')
      expect(await latestCheckpoint(run)).toBeNull()
      const onResume = () => expect.unreachable()
      expect(await distilled(run, { ...other, resume: true, onResume })).toEqual(expected)
    }
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
    expect(resumptions).toEqual([{ checkpoint: 'checkpoint-3', verified: false, damaged: [], remarks: [] }])
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
