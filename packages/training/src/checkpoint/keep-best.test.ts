import { type Batch, batchesOnce } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import {
  type Directory,
  loadCausalLM,
  memoryDirectory,
  type PretrainedModel,
  readJson,
  within,
} from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { distill } from '../loop/distill'
import { patterns, tinyDraft, weightsOf } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'
import { checkpointNames, type TrainerState } from './checkpoints'
import { verifyChecksums } from './checksums'
import { abortedAt, distilled } from './stopped-run.fixture'
import { storedRun } from './stored-run'

let target: PretrainedModel
let validation: Batch[]
beforeAll(async () => {
  target = await trainedTarget()
  validation = (await batchesOnce(patterns, target, { batchSize: 4, length: 24 })).slice(0, 2)
})

const few = { steps: 4, batchSize: 2, length: 24 }

/** The first validation, after step 2, is the best: no gain is large enough. */
const firstIsBest = () => ({ validation, validateEvery: 2, keepCheckpoints: 1, keepBest: { leastGain: 100 } })
/** Every validation is better than those before it. */
const lastIsBest = () => ({ validation, validateEvery: 6, keepBest: { by: 'loss' as const } })

const stateOf = async (run: Directory, step: number) =>
  (await readJson(run, `checkpoint-${step}/trainer_state.json`)) as TrainerState

/** Every file of a run. */
async function filesOf(run: Directory): Promise<Record<string, string>> {
  const { checkpoints } = (await readJson(run, 'checkpoints.json')) as { checkpoints: string[] }
  const all: Record<string, string> = { checkpoints: checkpoints.join() }
  for (const checkpoint of checkpoints)
    for (const file of await run.list(checkpoint))
      all[`${checkpoint}/${file}`] = Buffer.from(await run.read(`${checkpoint}/${file}`)).toString('base64')
  return all
}

describe('a run that keeps its best checkpoint', () => {
  it('keeps it beyond the newest, says which it is, and ends with its weights', async () => {
    const run = memoryDirectory()
    const { weights, history } = await distilled(run, firstIsBest())
    expect(await readJson(run, 'checkpoints.json')).toEqual({ checkpoints: ['checkpoint-2', 'checkpoint-12'] })
    const { best_metric, ...state } = await stateOf(run, 12)
    expect(state).toMatchObject({ best_global_step: 2, best_model_checkpoint: 'checkpoint-2' })
    expect(best_metric).toBe(history.find((entry) => entry.eval_loss !== undefined)!.eval_acceptance_length![3])
    const best = await loadCausalLM(within(run, 'checkpoint-2'), { device: target.model.device, dtype: 'f32' })
    expect(await weightsOf(best)).toEqual(weights)
    best.dispose()
  })

  it('ends early when nothing is gained any more, and is done', async () => {
    const run = memoryDirectory()
    const options = { ...firstIsBest(), keepBest: { leastGain: 100, patience: 2 } }
    const ended = await distilled(run, options)
    expect(ended.history.at(-1)!.step).toBe(6)
    expect(await storedRun(run)).toMatchObject({ isDone: true, steps: 12, state: { global_step: 6 } })
    const onStep = () => expect.unreachable()
    expect(await distilled(run, { ...options, resume: true, onStep })).toEqual(ended)
    // Who is more patient goes on, to where no end came before.
    const whole = await distilled(run, { ...firstIsBest(), resume: true })
    expect(whole).toEqual(await distilled(memoryDirectory(), firstIsBest()))
    expect(await storedRun(run)).toMatchObject({ isDone: true, state: { global_step: 12 } })
  })

  it('goes on with the draft that a run of the same has ended with', async () => {
    const run = memoryDirectory()
    const draft = tinyDraft(target)
    const options = { ...firstIsBest(), draft, target, data: patterns, loss: kld, ...few, checkpoints: run }
    const { best } = await distill(options)
    expect(best?.step).toBe(2)
    const ended = await weightsOf(draft)
    expect((await distill({ ...options, resume: true })).best).toEqual(best)
    expect(await weightsOf(draft)).toEqual(ended)
    draft.dispose()
  })
})

describe('a run that keeps its best checkpoint and is stopped', () => {
  it.each([
    ['early', firstIsBest],
    ['late', lastIsBest],
  ])('by who waits for a checkpoint, ends in the same bytes where the best comes %s', async (_, options) => {
    const straight = memoryDirectory()
    const expected = await distilled(straight, options())
    const run = memoryDirectory()
    await abortedAt(run, 1, options())
    await abortedAt(run, 7, { ...options(), resume: true })
    expect(await distilled(run, { ...options(), resume: true })).toEqual(expected)
    const files = await filesOf(straight)
    for (const [name, bytes] of Object.entries(await filesOf(run)))
      if (name in files) expect(bytes, name).toBe(files[name])
  })

  it('at any moment of writing or removing, has the best that its history names, and ends in the same files', async () => {
    const straight = memoryDirectory()
    const options = { ...firstIsBest(), validateEvery: 4 }
    const expected = await distilled(straight, options)
    const run = memoryDirectory()
    for (const moment of [10, 14, 5, 13, 14, 4]) {
      const killed = distilled(killedAt(run, moment), { ...options, resume: true })
      await expect(killed, `${moment}`).rejects.toThrow('killed')
      const best = (await storedRun(run))?.state.best_model_checkpoint
      if (!best) continue
      expect(await checkpointNames(run)).toContain(best)
      expect(await verifyChecksums(within(run, best))).toBe(true)
    }
    expect(await distilled(run, { ...options, resume: true })).toEqual(expected)
    expect(await filesOf(run)).toEqual(await filesOf(straight))
  })

  it('goes on from an older checkpoint with the best of its time', async () => {
    const run = memoryDirectory()
    const options = { ...lastIsBest(), keepCheckpoints: 2 }
    const expected = await distilled(run, options)
    const files = await filesOf(run)
    // 12 is the best; that of 9 is 6, which stays as long as 9 does.
    expect(files.checkpoints).toBe('checkpoint-6,checkpoint-9,checkpoint-12')
    await run.write('checkpoint-12/optimizer.safetensors', new Uint8Array(4))
    expect(await distilled(run, { ...options, resume: true })).toEqual(expected)
    expect(await filesOf(run)).toEqual(files)
  })

  it('says so where its best is damaged, and keeps the best of what follows', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 5, firstIsBest())
    await run.write('checkpoint-2/model.safetensors', new Uint8Array(4))
    const remarks: string[] = []
    const { weights } = await distilled(run, {
      ...firstIsBest(),
      resume: true,
      onResume: (resumption) => remarks.push(...resumption.remarks),
    })
    expect(remarks).toEqual([expect.stringMatching(/^checkpoint-2, the best so far, is damaged, .*is not what was/)])
    expect(await stateOf(run, 12)).toMatchObject({ best_global_step: 6 })
    expect(weights).not.toEqual((await distilled(memoryDirectory(), firstIsBest())).weights)
  })

  it('goes on only where the best is chosen as it was', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3, firstIsBest())
    const resumed = (options: object) => expect(distilled(run, { ...firstIsBest(), resume: true, ...options })).rejects
    await resumed({ keepBest: { by: 'loss' } }).toThrow(/made with keep_best .*acceptance-length.*this run has .*loss/)
    await resumed({ keepBest: undefined }).toThrow(/made with keep_best/)
    await resumed({ validateEvery: 3 }).toThrow(/made with keep_best/)
    await resumed({ validation: validation.slice(1) }).toThrow(/made with other held-out rows, by which/)
  })
})

/** A directory of which the process that writes to it is killed when it writes or removes for so many times. */
function killedAt(run: Directory, moment: number): Directory {
  let left = moment
  const dies = () => {
    if (--left < 0) throw new Error('killed')
  }
  return {
    ...run,
    async write(file, content) {
      dies()
      await run.write(file, content)
    },
    async remove(file) {
      dies()
      await run.remove(file)
    },
  }
}
