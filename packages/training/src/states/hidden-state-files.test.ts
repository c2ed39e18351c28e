import { batchesOnce } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { type Device, readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import {
  type Directory,
  floatsToStored,
  type HeadAlone,
  loadHead,
  memoryDirectory,
  type PretrainedModel,
  saveCausalLM,
  type TensorToWrite,
  writeSafetensors,
} from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { tinyModel } from '../../../transformer/src/pretrained/tiny-model.fixture'
import { distill } from '../loop/distill'
import { patterns, shortRun, tinyDraft, weightsOf } from '../loop/runs.fixture'
import { openHiddenStates } from './hidden-state-files'
import { targetRows } from './target-rows'
import { TargetStates } from './target-states'

let device: Device
let target: PretrainedModel
/** Of the target, what is behind its last layer, from the directory that it was saved in. */
let head: PretrainedModel<HeadAlone>
/** What an engine wrote of every row of the patterns. */
let written: Directory
let rows: number[][]

beforeAll(async () => {
  device = await testDevice()
  target = tinyModel(device, { layers: 2, eosTokenIds: [257], initializerRange: 0.5 })
  const folder = memoryDirectory()
  await saveCausalLM(target, folder)
  head = await loadHead(folder, { device, dtype: 'f32' })
  const batches = await batchesOnce(patterns, target, { length: 24, batchSize: 4 })
  rows = batches.flatMap((batch) => targetRows(batch, 'all').rows.map(({ tokens }) => [...tokens]))
  written = memoryDirectory()
  for (const [i, row] of rows.entries()) await write(written, `hs_${i}.safetensors`, row, await beforeNorm(row, i))
})

const bytes = (values: ArrayBufferView) => () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
const tokenIds = (row: readonly number[]): TensorToWrite => ({
  ...{ name: 'token_ids', dtype: 'I64', shape: [row.length], bytes: bytes(BigInt64Array.from(row, BigInt)) },
})

/** As speculators and vLLM write it: three layers, of which the last counts, in bfloat16. */
async function write(
  to: Directory,
  file: string,
  row: readonly number[],
  states: Float32Array,
  dtype = 'BF16' as const,
) {
  const width = states.length / row.length
  const layers = new Float32Array(3 * states.length).fill(1e30) // of the other layers nothing is heard
  for (let at = 0; at < row.length; at++)
    layers.set(states.subarray(at * width, (at + 1) * width), (3 * at + 2) * width)
  const said = {
    name: 'hidden_states',
    dtype,
    shape: [row.length, 3, width],
    bytes: () => floatsToStored(layers, dtype),
  }
  await writeSafetensors(to, file, [said, tokenIds(row)])
}

/** Undoes the norm, which any length of states has behind it: x / rms(x) · gain is what the head reads. */
async function beforeNorm(row: readonly number[], seed: number): Promise<Float32Array> {
  const states = device.scope(() =>
    target.model.hidden(device.tensor(Uint32Array.from(row), { shape: [1, row.length] })),
  )
  const [values, gain] = await readAll([states, target.model.parameters['model.norm.weight']!])
  states.dispose()
  return (values as Float32Array).map((x, i) => ((3 + seed) * x) / (gain![i % gain!.length] as number))
}

const run = async (options: Partial<Parameters<typeof distill>[0]>) => {
  const draft = tinyDraft(target)
  const { history } = await distill({ draft, target, data: patterns, loss: kld, ...shortRun, ...options })
  return { history, weights: await weightsOf(draft) }
}

describe('hidden states of an engine elsewhere', () => {
  it('teach a draft what the target in memory teaches it, of which the head alone is here', async () => {
    const here = await run({ steps: 6 })
    using targetStates = new TargetStates({ hiddenStates: await openHiddenStates(written) })
    const there = await run({ target: head, targetStates, steps: 6 })
    expect(there.history).toHaveLength(here.history.length)
    for (const [i, { loss, acceptance_rate }] of there.history.entries()) {
      // bfloat16 keeps eight bits of a state.
      expect(Math.abs(loss! - here.history[i]!.loss!)).toBeLessThan(0.01)
      expect(Math.abs(acceptance_rate! - here.history[i]!.acceptance_rate!)).toBeLessThan(0.01)
    }
    expect(targetStates.figures).toMatchObject({ computed: 0 })
    expect(targetStates.figures.fromDirectory).toBeGreaterThan(0)
    expect(head.model.parameters).not.toHaveProperty('model.layers.0.mlp.up_proj.weight')
  })

  it('are asked for by rows: one that no file has is named, or read where the whole target is here', async () => {
    const some = memoryDirectory()
    await write(some, 'hs_0.safetensors', rows[0]!, await beforeNorm(rows[0]!, 0))
    const hiddenStates = await openHiddenStates(some)
    await expect(run({ target: head, targetStates: { hiddenStates } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message:
        /No file has the hidden states of a row of \d+ tokens that begins [\d ]+, and of the target only the head/,
    })
    using targetStates = new TargetStates({ hiddenStates })
    await run({ targetStates, steps: 6 })
    expect(targetStates.figures.computed).toBeGreaterThan(0)
    expect(targetStates.figures.fromDirectory).toBeGreaterThan(0)
  })

  it('belong to a run: it goes on with no others', async () => {
    const checkpoints = memoryDirectory()
    const options = { target: head, checkpoints, steps: 3 }
    await run({ ...options, targetStates: { hiddenStates: await openHiddenStates(written) } })
    const others = memoryDirectory()
    for (const file of await written.list()) await others.write(file.replace('hs', 'other'), await written.read(file))
    const resumed = {
      ...options,
      steps: 4,
      resume: true,
      targetStates: { hiddenStates: await openHiddenStates(others) },
    }
    await expect(run(resumed)).rejects.toMatchObject({ message: /hidden_states/ })
  })

  it('of another width, with ids of no tokens, and files of anything else are refused by name', async () => {
    const row = rows[0]!
    const wide = memoryDirectory()
    for (const [i, tokens] of rows.entries())
      await write(wide, `w_${i}.safetensors`, tokens, new Float32Array(48 * tokens.length))
    const hiddenStates = await openHiddenStates(wide)
    await expect(run({ target: head, targetStates: { hiddenStates } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /w_\d+\.safetensors has hidden states of 48, and those of the target are of \d+/,
    })
    const refused = async (tensors: TensorToWrite[]) => {
      const folder = memoryDirectory()
      await writeSafetensors(folder, 'x.safetensors', tensors)
      return openHiddenStates(folder).then(
        () => 'opened',
        ({ code, message }) => `${code} ${message}`,
      )
    }
    const states = (tokens: number): TensorToWrite => ({
      ...{ name: 'hidden_states', dtype: 'F32', shape: [tokens, 4], bytes: bytes(new Float32Array(4 * tokens)) },
    })
    expect(await refused([states(row.length), tokenIds(row)])).toBe('opened')
    expect(await refused([states(2), tokenIds([1, -5])])).toMatch(
      /^FILE_FORMAT .*x\.safetensors.*-5 is the id of no token/,
    )
    expect(await refused([states(3), tokenIds([1, 5])])).toMatch(
      /^FILE_FORMAT .*hidden_states \[3, 4\] F32, token_ids \[2\] I64/,
    )
    expect(await refused([tokenIds(row)])).toMatch(/^FILE_FORMAT .*it has token_ids/)
    await expect(openHiddenStates(memoryDirectory())).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })
})

describe('a head alone', () => {
  it('reads no tokens', () => {
    for (const act of [() => head.model.hidden(), () => head.model.forward(), () => head.model.createCache()])
      expect(act).toThrow(/only the head is here/)
  })
})
