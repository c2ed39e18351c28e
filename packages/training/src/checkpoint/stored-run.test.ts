import { memoryDirectory } from '@outrider/transformer'
import { expect, it } from 'vitest'
import { storedRun } from './stored-run'

const state = { global_step: 4, log_history: [{ step: 4, loss: 1 }], settings: { learning_rate: { steps: 9 } } }
const recorded = (checkpoints: string, trainerState: unknown = state) =>
  memoryDirectory({
    'checkpoints.json': checkpoints,
    'checkpoint-4/trainer_state.json': typeof trainerState === 'string' ? trainerState : JSON.stringify(trainerState),
  })
const named = '{"checkpoints":["checkpoint-2","checkpoint-4"]}'

it('of a run that is stored the newest checkpoint is known, and the steps that are done and to be done', async () => {
  const run = await storedRun(recorded(named))
  expect(run).toMatchObject({ state, steps: 9, isDone: false })
  expect(await run!.checkpoint.list()).toEqual(['trainer_state.json'])
  expect(await storedRun(recorded(named, { ...state, settings: {} }))).toMatchObject({ steps: undefined })
})

it('a run is done when all of its steps are, or where it ended before as nothing was gained', async () => {
  const isDone = async (of: object) => (await storedRun(recorded(named, { ...state, ...of })))?.isDone
  expect(await isDone({ global_step: 9 })).toBe(true)
  expect(await isDone({ ended_early: true })).toBe(true)
  expect(await isDone({ settings: {} })).toBe(false)
})

it('where nothing is recorded there is no run', async () => {
  expect(await storedRun(memoryDirectory())).toBeNull()
  expect(await storedRun(recorded('{"checkpoints":[]}'))).toBeNull()
})

it('a record that cannot be read is no run that is not there', async () => {
  await expect(storedRun(recorded('{"checkp'))).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  await expect(storedRun(recorded('null'))).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  for (const damaged of ['{', 'null', {}, { ...state, global_step: 'x' }, { ...state, log_history: null }])
    await expect(storedRun(recorded(named, damaged))).rejects.toMatchObject({ code: 'FILE_FORMAT' })
  await expect(storedRun(recorded('{"checkpoints":["checkpoint-7"]}'))).rejects.toMatchObject({ code: 'FILE_MISSING' })
})

it('of a run whose newest checkpoint is damaged the newest that is whole is found, where that is asked for', async () => {
  const unchecked = { 'checkpoint-2/trainer_state.json': JSON.stringify({ ...state, global_step: 2 }) }
  const run = memoryDirectory({ 'checkpoints.json': named, ...unchecked }) // checkpoint-4 is lost
  expect((await storedRun(run, { whole: true }))?.state.global_step).toBe(2)
  await expect(storedRun(run)).rejects.toMatchObject({ code: 'FILE_MISSING' })
})
