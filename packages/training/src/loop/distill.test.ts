import { type Batch, type BatchStream, batchesOnce, type DataSource, rows } from '@outrider/dataset'
import { kld, lossByName } from '@outrider/losses'
import type { Device } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { byteTokenizer, type CausalLM, type PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { TargetStates } from '../states/target-states'
import { distill } from './distill'
import { logitsOnly } from './logits-only.fixture'
import { pretrain } from './pretrain'
import { inTurn, patterns, shortRun, tinyDraft, weightsOf } from './runs.fixture'
import { trainedTarget } from './trained-target.fixture'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = await trainedTarget()
})

/** The same model with a shorter context. */
const shorter = (model: PretrainedModel, contextLength: number): PretrainedModel =>
  ({ ...model, config: { ...model.config, contextLength }, dispose: () => model.dispose() }) as PretrainedModel

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
    expect(states.figures).toEqual({ fromMemory: 16, fromDirectory: 0, computed: 16 })
    const [, onePass] = await dispatched(() =>
      device.scope(() => void target.model.hidden(device.zeros([1, 4], 'u32'))),
    )
    expect(reading - remembering).toBeGreaterThan(16 * onePass)
    expect(first).toEqual(await run('kld'))
    expect(second).toEqual(await run('tvd'))
    expect(device.memory.liveBytes - live).toBe(states.bytes)
    expect(() => states.of(tinyDraft(target), {} as Batch, 'learnt')).toThrow(/another target/)
    states.dispose()
    expect(device.memory.liveBytes - live).toBeLessThan(100_000)

    const little = new TargetStates({ memoryBytes: 5000 })
    expect(await run('kld', little)).toEqual(first)
    expect(little.bytes).toBeLessThanOrEqual(5000)
    little.dispose()
  })

  it('learns of whole logits what it learns of hidden states, where the target shows no others', async () => {
    const trained = target
    const run = async (target: PretrainedModel<CausalLM>, loss: string, targetStates?: TargetStates) => {
      const draft = tinyDraft(trained)
      const options = { ...shortRun, steps: 2, data: patterns, loss: lossByName(loss), targetStates }
      const { history } = await distill({ draft, target, ...options })
      draft.dispose()
      return history.flatMap(({ loss, grad_norm, acceptance_rate }) => [loss!, grad_norm!, acceptance_rate!])
    }
    const other = logitsOnly(target)
    const found = await run(other, 'kld')
    await expectAllClose(found, await run(target, 'kld'), { relative: 1e-4 })
    await expectAllClose(await run(other, 'tvd++'), await run(target, 'tvd++'), { relative: 1e-4 })
    // They are kept as hidden states are.
    const states = new TargetStates()
    expect(await run(other, 'kld', states)).toEqual(found)
    expect(states.bytes).toBeGreaterThan(0)
    states.dispose()
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
