import { testDevice } from '@outrider/tensor/testing'
import { expect, it } from 'vitest'
import type { TensorToWrite } from '../files/index'
import { floatsToStored, memoryDirectory, openSafetensors, readFloats, writeSafetensors } from '../files/index'
import { stories } from '../stories.fixture'
import { loadCausalLM } from './load'
import type { PretrainedModel } from './pretrained-model'
import { saveCausalLM } from './save'

/** The small stories model with tensors changed or added as a function says. */
async function storiesWith(change: (tensors: TensorToWrite[]) => TensorToWrite[]) {
  const files = memoryDirectory()
  await saveCausalLM(await stories(), files)
  const { tensors } = await openSafetensors(files)
  const kept: TensorToWrite[] = []
  for (const entry of tensors.values()) {
    const values = await readFloats(files, entry)
    kept.push({ name: entry.name, dtype: 'F32', shape: entry.shape, bytes: () => floatsToStored(values, 'F32') })
  }
  await writeSafetensors(files, 'model.safetensors', change(kept))
  return files
}

const load = async (change: (tensors: TensorToWrite[]) => TensorToWrite[]) =>
  loadCausalLM(await storiesWith(change), { device: await testDevice() })

const up = 'model.layers.1.mlp.up_proj.weight'
const withExtra = (name: string, dtype: TensorToWrite['dtype'], shape: number[]) => (tensors: TensorToWrite[]) => [
  ...tensors,
  { name, dtype, shape, bytes: () => new Uint8Array(shape.reduce((product, size) => product * size, 1)) },
]

it('weights in F64 are those in F32, and in F8 what the bytes mean, held as f16', async () => {
  const original = await stories()
  const wide = await load((tensors) =>
    tensors.map((tensor) => ({
      ...tensor,
      dtype: 'F64',
      bytes: async () => {
        const bytes = await tensor.bytes()
        return new Uint8Array(Float64Array.from(new Float32Array(bytes.slice().buffer)).buffer)
      },
    })),
  )
  expect(await wide.model.parameters[up]!.data()).toEqual(await original.model.parameters[up]!.data())
  wide.dispose()
})

it('weights in F8 are what their bytes mean, held as f16', async () => {
  const files = await storiesWith((tensors) =>
    tensors.map((tensor) =>
      tensor.name === up
        ? { ...tensor, dtype: 'F8_E4M3', bytes: () => new Uint8Array(172 * 64).fill(0x3c).fill(0xb0, 64) }
        : tensor,
    ),
  )
  const device = await testDevice()
  using held = await loadCausalLM(files, { device }).then((model) => disposing(model))
  expect(held.model.parameters[up]!.dtype).toBe('f16')
  using widened = await loadCausalLM(files, { device, dtype: 'f32' }).then((model) => disposing(model))
  const values = (await widened.model.parameters[up]!.data()) as Float32Array
  expect(new Set(values.subarray(0, 64))).toEqual(new Set([1.5]))
  expect(new Set(values.subarray(64))).toEqual(new Set([-0.5]))
})

const disposing = (model: PretrainedModel) => ({ ...model, [Symbol.dispose]: () => model.dispose() })

it('a tensor of no elements beside the weights keeps no model from loading', async () => {
  const model = await load(withExtra('left.behind', 'F32', [0, 4]))
  model.dispose()
})

it.each([
  ['model.layers.0.mlp.up_proj.weight_scale_inv', /quantised in a way that is not read: tensor ".*weight_scale_inv"/],
  ['model.layers.0.mlp.up_proj.qweight', /quantised/],
  ['model.layers.0.mlp.up_proj.weight.absmax', /quantised/],
  ['base_model.model.layers.0.q_proj.lora_A.weight', /an adapter's.*Merge it/],
])('weights that others are to be computed with are refused: %s', async (name, message) => {
  await expect(load(withExtra(name, 'U8', [4]))).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(message),
  })
})

it('a weight of whole numbers is refused by its name and type', async () => {
  const integers = load((tensors) =>
    tensors.map((tensor) =>
      tensor.name === up ? { ...tensor, dtype: 'I8', bytes: () => new Uint8Array(172 * 64) } : tensor,
    ),
  )
  await expect(integers).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/"model.layers.1.mlp.up_proj.weight" has elements of type I8/),
  })
})
