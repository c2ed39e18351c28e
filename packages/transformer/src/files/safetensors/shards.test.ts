import { describe, expect, it } from 'vitest'
import type { Directory } from '../directory'
import { memoryDirectory } from '../memory-directory'
import { openSafetensors, readFloats } from './read'
import { type TensorToWrite, writeSafetensors } from './write'

const tensor = (name: string, value: number): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape: [1],
  bytes: () => new Uint8Array(Float32Array.of(value).buffer),
})

/** A directory with a shard for each name, each with a tensor of its own. */
async function shards(...names: string[]): Promise<Directory> {
  const files = memoryDirectory({}, 'm')
  for (const [i, name] of names.entries()) await writeSafetensors(files, name, [tensor(`t${i}`, i)])
  return files
}

const second = 'model-00002-of-00002.safetensors'
const missing = (message: RegExp) => ({ code: 'FILE_MISSING', message: expect.stringMatching(message) })

describe('shards without their index', () => {
  it('are read where by their names none is missing', async () => {
    const files = await shards('model-00001-of-00002.safetensors', second, 'consolidated-00001-of-00009.safetensors')
    const { tensors } = await openSafetensors(files)
    expect([...tensors.keys()]).toEqual(['t0', 't1'])
    expect([...(await readFloats(files, tensors.get('t1')!))]).toEqual([1])
  })

  it('are named where some are missing', async () => {
    await expect(openSafetensors(await shards(second))).rejects.toMatchObject(
      missing(/m has no file model-00001-of-00002.safetensors, of 2 shards/),
    )
    await expect(openSafetensors(await shards('model-00003-of-99999.safetensors'))).rejects.toMatchObject(
      missing(/not the files model-00001-of-99999.safetensors, model-00002-/),
    )
  })

  it('of two models are refused, as is a tensor that two of them have', async () => {
    const two = await shards('model-00001-of-00001.safetensors', second)
    await expect(openSafetensors(two)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/shards of more than one model: model-00001-of-00001.*model-00002-of-00002/),
    })
    const twice = memoryDirectory()
    for (const number of [1, 2])
      await writeSafetensors(twice, `model-0000${number}-of-00002.safetensors`, [tensor('t', 1)])
    await expect(openSafetensors(twice)).rejects.toThrow(/"t" is in model-00001.* and in model-00002/)
  })
})

it('an index whose shards are missing names them all', async () => {
  const files = await shards('a')
  const map = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((file, i) => [`t${i}`, file]))
  await files.write('model.safetensors.index.json', JSON.stringify({ weight_map: map }))
  await expect(openSafetensors(files)).rejects.toMatchObject({
    ...missing(/m has not the files b, c, d, …, of 5 shards/),
    details: { missing: ['b', 'c', 'd', 'e'] },
  })
})
