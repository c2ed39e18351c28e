import { texts } from '@outrider/dataset'
import { type Directory, memoryDirectory, readJson } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { latestCheckpoint, type Resumption } from './checkpoints'
import { abortedAt, distilled } from './stopped-run.fixture'

describe('the checkpoints of a run', () => {
  it('keeps the newest checkpoints, and only those', async () => {
    const run = memoryDirectory()
    await distilled(run)
    expect(JSON.parse(new TextDecoder().decode(await run.read('checkpoints.json')))).toEqual({
      checkpoints: ['checkpoint-9', 'checkpoint-12'],
    })
    expect(await run.list('checkpoint-6')).toEqual([])
    expect(await run.list('checkpoint-9')).toContain('optimizer.safetensors')
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
})

describe('a checkpoint that is not whole', () => {
  it('counts only checkpoints that are complete', async () => {
    const run = memoryDirectory()
    await abortedAt(run, 3)
    await run.write('checkpoint-5/model.safetensors', new Uint8Array(10)) // killed while it was written
    const { history } = await distilled(run, { resume: true })
    expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
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
