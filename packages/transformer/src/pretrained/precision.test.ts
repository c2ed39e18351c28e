import { createDevice, type Device } from '@outrider/tensor'
import { formats } from '@outrider/tensor/internal'
import { nodeAdapter } from '@outrider/tensor/node'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Directory, floatsToStored, memoryDirectory, writeSafetensors } from '../files/index'
import { randomModel } from './families.fixture'
import { logProbabilities } from './gguf/log-probabilities.fixture'
import { saveGguf } from './gguf/save-gguf'
import { loadCausalLM } from './load'
import { saveCausalLM } from './save'
import { deviceDtype, type LoadDtype, loadParameters, safetensorsWeights } from './weights'

const ids = [1, 403, 407, 261, 378]
const embedding = 'model.embed_tokens.weight'
const query = 'model.layers.0.self_attn.q_proj.weight'

describe('loadCausalLM with a dtype', () => {
  const bytesOf = ({ model }: Awaited<ReturnType<typeof loadCausalLM>>) =>
    Object.values(model.parameters).reduce((sum, { bytes }) => sum + bytes, 0)

  it.each([
    ['f16', 0.51],
    ['bf16', 0.51],
    ['q8_0', 0.29],
    ['q4_0', 0.21],
  ] as const)('%s: computes with what the weights are then, in a part of the memory', async (dtype, part) => {
    const device = await testDevice()
    // Every row divides into blocks: 256 columns.
    const base = await randomModel({ architecture: 'llama', hiddenSize: 256, intermediateSize: 256, headDim: 64 })
    const files = memoryDirectory()
    await saveCausalLM(base, files)
    const converted = await loadCausalLM(files, { device, dtype })
    expect(converted.model.parameters[query]!.dtype).toBe(dtype)
    expect(converted.model.parameters[embedding]!.dtype).toBe(dtype === 'q4_0' ? 'q8_0' : dtype)
    expect(bytesOf(converted)).toBeLessThan(part * bytesOf(base))
    // The same numbers as f32: saved from the device, and loaded as they are.
    const meant = memoryDirectory()
    await saveCausalLM(converted, meant)
    const floats = await loadCausalLM(meant, { device })
    const rounded = formats[dtype].decode(
      formats[dtype].encode!((await base.model.parameters[query]!.data()) as Float32Array),
    )
    expect(await floats.model.parameters[query]!.data()).toEqual(rounded)
    const [ours, theirs] = await Promise.all([converted, floats].map(({ model }) => logProbabilities(model, ids)))
    for (const [row, values] of ours!.entries())
      for (const [i, value] of values.entries()) expect(Math.abs(value - theirs![row]![i]!)).toBeLessThan(1e-4)
    for (const model of [base, converted, floats]) model.dispose()
  })

  it('keeps weights as a file stores them, and what it stores is saved again without change', async () => {
    const device = await testDevice()
    const base = await randomModel({ architecture: 'qwen3', hiddenSize: 64, intermediateSize: 96, headDim: 16 })
    const [first, again] = [memoryDirectory(), memoryDirectory()]
    await saveGguf(base, first, { dtype: 'Q4_0' })
    const loaded = await loadCausalLM(first, { device, file: 'model.gguf' })
    expect(loaded.model.parameters[query]!.dtype).toBe('q4_0')
    await saveGguf({ ...loaded, source: base.source }, again, { dtype: 'Q4_0' })
    expect(await again.read('model.gguf')).toEqual(await first.read('model.gguf'))
    base.dispose()
    loaded.dispose()
  })

  it('falls back to f16 and f32 where rows do not divide', () => {
    const dtypes = (shape: number[], stored: string, wanted?: LoadDtype) =>
      deviceDtype('layer', { shape, dtype: stored }, wanted)
    expect(dtypes([64], 'F16')).toBe('f32')
    expect(dtypes([4, 64], 'BF16')).toBe('bf16')
    expect(dtypes([4, 40], 'F32', 'q8_0')).toBe('f16')
    expect(dtypes([4, 44], 'F16', 'q4_0')).toBe('f32')
    expect(() => dtypes([4, 64], 'I64')).toThrow(/type I64/)
  })
})

describe('a device of small bindings', () => {
  let small: Device
  beforeAll(async () => {
    small = await createDevice({ adapter: nodeAdapter(), maxBindingBytes: 80 * 1024 })
  })
  afterAll(() => small.dispose())

  it('holds a table larger than one of them in slabs: the same bits', async () => {
    const path = testData('stories260K')
    const whole = await loadCausalLM(path, { device: await testDevice() })
    const inSlabs = await loadCausalLM(path, { device: small })
    expect(whole.model.parameters[embedding]!.slabs.length).toBe(1)
    expect(inSlabs.model.parameters[embedding]!.slabs.length).toBe(2)
    expect(await logProbabilities(inSlabs.model, ids)).toEqual(await logProbabilities(whole.model, ids))
    whole.dispose()
    inSlabs.dispose()
    expect(small.memory.liveBytes).toBe(0)
  })
})

describe('loadParameters', () => {
  it('never reads more than a few rows of a large tensor at once', async () => {
    const device = await testDevice()
    const shape = [9001, 1024]
    const values = new Float32Array(shape[0]! * shape[1]!).map((_, i) => (i * 2654435761) % 1000)
    const files = memoryDirectory()
    await writeSafetensors(files, 'model.safetensors', [
      { name: 'w', dtype: 'F32', shape, bytes: () => floatsToStored(values, 'F32') },
    ])
    const reads: number[] = []
    const counting: Directory = {
      ...files,
      async read(file, range) {
        const bytes = await files.read(file, range)
        reads.push(bytes.length)
        return bytes
      },
    }
    const weights = await safetensorsWeights(counting)
    const progress: number[] = []
    const parameters = await loadParameters(device, weights, new Map([['w', shape]]), {
      onProgress: ({ loadedBytes, totalBytes }) => progress.push(loadedBytes / totalBytes),
    })
    expect(Math.max(...reads)).toBeLessThanOrEqual(16 * 2 ** 20)
    expect(progress.length).toBe(3)
    expect(progress.at(-1)).toBe(1)
    // As bytes: element by element, the comparison of so many takes minutes.
    const held = (await parameters.w!.data()) as Float32Array
    expect(Buffer.from(held.buffer, held.byteOffset, held.byteLength).equals(Buffer.from(values.buffer))).toBe(true)
    parameters.w!.dispose()
  })
})
