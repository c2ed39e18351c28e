import { type Batch, batchesOnce, generateDataset, jsonl, texts } from '@outrider/dataset'
import { kld, tvdPlusPlus } from '@outrider/losses'
import { cast, type Device, headLogits, readAll, trainingLogits } from '@outrider/tensor'
import { floatToHalf, halfToFloat } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { distill } from '../loop/distill'
import { patterns, shortRun, tinyDraft, weightsOf } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'
import { TargetStates } from './target-states'

let device: Device
let target: PretrainedModel
let batches: Batch[]
beforeAll(async () => {
  device = await testDevice()
  target = await trainedTarget()
  batches = await batchesOnce(patterns, target, { length: 24, batchSize: 4 })
})

/** What a batch's states are, and where they came from. */
async function statesOf(states: TargetStates, batch: Batch): Promise<Float32Array> {
  using _held = await states.hold(target, [batch], 'learnt')
  using said = states.of(target, batch, 'learnt').states
  return (await said.data()) as Float32Array
}

describe('states of a target', () => {
  it('are its hidden states where something is learnt, rounded to f16', async () => {
    const [batch] = batches
    const { tokens, lossMask, batchSize, length } = batch!
    using states = new TargetStates()
    const actual = await statesOf(states, batch!)
    using hidden = target.model.hidden(device.tensor(tokens, { shape: [batchSize, length] }))
    const all = (await hidden.data()) as Float32Array
    const width = hidden.shape[2]!
    const expected = [...lossMask.keys()]
      .filter((position) => lossMask[position] !== 0)
      .flatMap((position) => [...all.subarray(position * width, (position + 1) * width)])
      .map((value) => halfToFloat(floatToHalf(value)))
    expect(actual.length).toBe(expected.length)
    const wrong = expected.filter((value, i) => Math.abs(actual[i]! - value) > 2 ** -10 * Math.abs(value) + 1e-6)
    expect(wrong).toEqual([])
    expect(actual.every((value) => halfToFloat(floatToHalf(value)) === value)).toBe(true)
  })

  it('have the same bits from memory, from a directory, computed again, and in whatever batch the row is', async () => {
    const directory = memoryDirectory()
    const [batch, other] = batches
    using computed = new TargetStates({ memoryBytes: 0 })
    const expected = await statesOf(computed, batch!)
    using states = new TargetStates({ directory })
    for (const from of ['computed', 'memory']) expect(await statesOf(states, batch!), from).toEqual(expected)
    expect(states.figures).toEqual({ computed: 4, fromMemory: 4, fromDirectory: 0 })
    await states.flush()
    using read = new TargetStates({ directory, memoryBytes: 0 })
    expect(await statesOf(read, batch!)).toEqual(expected)
    expect(read.figures).toEqual({ computed: 0, fromMemory: 0, fromDirectory: 4 })
    using single = new TargetStates()
    const [row] = await batchesOnce(patterns, target, { length: 24, batchSize: 1 })
    const first = await statesOf(single, row!)
    expect(first).toEqual(expected.slice(0, first.length))
    expect(await statesOf(computed, other!)).not.toEqual(expected)
  })

  it('are those that came with an answer, where they were kept: the target reads nothing', async () => {
    const seeds = texts(['ab', 'ba', 'aab'])
    for (const where of [memoryDirectory(), undefined]) {
      const answers = memoryDirectory()
      using states = new TargetStates({ directory: where })
      const told: number[] = []
      await generateDataset({
        ...{ target, seeds, maxTokens: 6, temperatures: [0, 1] },
        out: { directory: answers, file: 'answers.jsonl' },
        onStates: async (said) => {
          // What a row in the file has to have is kept before.
          told.push(said.length)
          await states.keep(target, said)
        },
      })
      expect(told.reduce((sum, n) => sum + n, 0)).toBe(6)
      const rows = await batchesOnce(jsonl({ directory: answers, file: 'answers.jsonl' }), target, {
        length: 24,
        batchSize: 2,
      })
      using again = where ? new TargetStates({ directory: where }) : undefined
      for (const batch of rows) {
        const kept = await statesOf(again ?? states, batch)
        using fresh = new TargetStates()
        const read = await statesOf(fresh, batch)
        expect(kept).toHaveLength(read.length)
        for (const [i, value] of kept.entries())
          expect(Math.abs(value - read[i]!)).toBeLessThan(2e-3 * Math.max(1, Math.abs(read[i]!)))
      }
      expect((again ?? states).figures.computed).toBe(0)
    }
  })

  it('are read by the head over the ids of a trimmed draft; what all ids come to is asked of the whole head once a row', async () => {
    const [batch] = batches
    const chosen = [32, 97, 98, 99, 100, 101, 102, 257]
    const covered = { ids: device.tensor(Uint32Array.from(chosen)), vocabularySize: target.config.vocabularySize }
    const directory = memoryDirectory()
    using states = new TargetStates({ directory })
    using _held = await states.hold(target, [batch!], 'learnt')
    const asked = async (of = states) => {
      const before = device.counters.dispatches
      const said = of.of(target, batch!, 'learnt', covered)
      return { said, dispatches: device.counters.dispatches - before }
    }
    const first = await asked()
    const { states: hidden, covered: told } = first.said
    const [whole, ofIds, normalizers] = (await readAll([
      headLogits(target.model.head(), hidden),
      trainingLogits({ ...told!.head, covered: undefined }, hidden),
      told!.logNormalizers,
    ])) as Float32Array[]
    const columns = target.config.vocabularySize
    for (const [row, normalizer] of normalizers!.entries()) {
      const logits = whole!.subarray(row * columns, (row + 1) * columns)
      expect(normalizer).toBeCloseTo(Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0)), 5)
      for (const [i, id] of chosen.entries()) expect(ofIds![row * chosen.length + i]).toBeCloseTo(logits[id]!, 5)
    }
    const again = await asked()
    expect(again.dispatches).toBeLessThan(first.dispatches - batch!.batchSize)
    expect(await again.said.covered!.logNormalizers.data()).toEqual(normalizers)
    // In the next run, too.
    await states.flush()
    using next = new TargetStates({ directory })
    using _heldNext = await next.hold(target, [batch!], 'learnt')
    const found = await asked(next)
    expect(found.dispatches).toBeLessThan(first.dispatches - batch!.batchSize)
    expect(await found.said.covered!.logNormalizers.data()).toEqual(normalizers)
    // Answers that were drawn for one step are asked of the whole head.
    expect(states.of(target, { ...batch!, drawn: true }, 'learnt', covered).covered).toBeUndefined()
  })

  it('keep what comes first within their bytes, and give their memory back', async () => {
    const before = device.memory.liveBytes
    const rowBytes = 4 * 24 * 32 // a batch, at most
    const states = new TargetStates({ memoryBytes: rowBytes })
    for (let epoch = 0; epoch < 2; epoch++) for (const batch of batches) await statesOf(states, batch)
    expect(states.bytes).toBeLessThanOrEqual(rowBytes)
    expect(states.bytes).toBeGreaterThan(0)
    expect(states.figures.fromMemory).toBeGreaterThan(0)
    expect(device.memory.liveBytes - before).toBe(states.bytes)
    states.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })

  it('that are damaged on disk are computed again, to the same bits', async () => {
    const directory = memoryDirectory()
    using states = new TargetStates({ directory })
    const expected = await statesOf(states, batches[0]!)
    await states.flush()
    const [folder] = await directory.folders!()
    const [file] = await directory.list(folder)
    const bytes = await directory.read(`${folder}/${file}`)
    bytes[bytes.length - 5]! ^= 64
    await directory.write(`${folder}/${file}`, bytes)
    const told: string[] = []
    using again = new TargetStates({ directory, onTrouble: (message) => told.push(message) })
    expect(await statesOf(again, batches[0]!)).toEqual(expected)
    expect(again.figures).toEqual({ computed: 1, fromMemory: 0, fromDirectory: 3 })
    expect(told).toEqual([expect.stringMatching(/is not used, and what it had is computed again/)])
  })

  it('are refused for a target that shows no weights, where they would be kept on disk', async () => {
    const { parameters: _, ...model } = { ...target.model, device, config: target.config, forward: () => cast }
    const other = { ...target, model } as unknown as PretrainedModel
    using states = new TargetStates({ directory: memoryDirectory() })
    await expect(states.hold(other, batches, 'learnt')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('a run that keeps them', () => {
  const run = async (options: Partial<Parameters<typeof distill>[0]>) => {
    const draft = tinyDraft(target)
    try {
      const loss = tvdPlusPlus({ estimator: 'sampled' })
      const { history } = await distill({ ...shortRun, draft, target, data: patterns, loss, ...options })
      return { history, weights: await weightsOf(draft) }
    } finally {
      draft.dispose()
    }
  }

  it('ends in the same bytes, however much is kept, and where it was stopped between', async () => {
    const expected = await run({ targetStates: { memoryBytes: 0 } })
    expect(await run({})).toEqual(expected)
    const directory = memoryDirectory()
    const checkpoints = memoryDirectory()
    const targetStates = { directory, memoryBytes: 2000, fileBytes: 1000 }
    const stop = new AbortController()
    const onStep = ({ step }: { step: number }) => step === 4 && stop.abort()
    const stopped = run({ targetStates, checkpoints, signal: stop.signal, onStep })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    using resumed = new TargetStates(targetStates)
    expect(await run({ targetStates: resumed, checkpoints, resume: true })).toEqual(expected)
    expect(resumed.figures.fromDirectory).toBeGreaterThan(0)
    // Another run on the same rows asks the target nothing.
    using another = new TargetStates({ directory })
    await run({ targetStates: another, loss: kld })
    expect(another.figures.computed).toBe(0)
  })
})
