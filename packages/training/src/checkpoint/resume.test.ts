import { batchesOnce, mix, texts } from '@outrider/dataset'
import { kld, tvdPlusPlus } from '@outrider/losses'
import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { memoryDirectory, type PretrainedModel, readJson } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { distill } from '../loop/distill'
import { patterns, shortRun, tinyDraft, tinyTarget, weightsOf } from '../loop/runs.fixture'
import { trainedTarget } from '../loop/trained-target.fixture'
import type { Resumption, TrainerState } from './checkpoints'
import { abortedAt, distilled } from './stopped-run.fixture'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = await trainedTarget()
})

describe('a run that was stopped', () => {
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
})
