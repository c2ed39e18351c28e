import { OutriderError, uniform01 } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { type Directory, memoryDirectory } from '../files/index'
import { randomModel } from './families.fixture'
import { saveGguf } from './gguf/save-gguf'
import { loadCausalLM } from './load'
import { saveCausalLM } from './save'

/** Damaged copies that are tried of each kind of file; a nightly run sets more. */
const mutants = Number(process.env.OUTRIDER_FUZZ ?? 500)

const interesting = [0, 1, 7, 8, 9, 127, 128, 254, 255]

/** A copy with a few bytes changed, a piece cut out, doubled or moved, or its end cut off: always the same for a number. */
function mutant(bytes: Uint8Array, number: number, headerBytes: number): Uint8Array {
  let draws = 0
  const random = (below: number) => Math.floor(uniform01(number, draws++) * below)
  // Most damage goes where files say what they are.
  const place = () => random(random(4) > 0 ? Math.min(headerBytes, bytes.length) : bytes.length)
  const kind = random(6)
  if (kind === 0) return bytes.slice(0, random(4) > 0 ? random(headerBytes) : random(bytes.length))
  const copy = bytes.slice()
  if (kind === 1) {
    const at = place()
    const cut = random(40)
    copy.copyWithin(at, at + cut)
    return copy.subarray(0, Math.max(at, copy.length - cut))
  }
  if (kind === 2) {
    const [from, to] = [place(), place()]
    copy.copyWithin(to, from, from + random(64))
    return copy
  }
  if (kind === 3) {
    // A length or a count becomes huge, or nearly so.
    new DataView(copy.buffer).setUint32(Math.min(place(), copy.length - 4), 2 ** 32 - 1 - random(3) * 2 ** 31, true)
    return copy
  }
  for (let i = random(4); i >= 0; i--)
    copy[place()] = random(2) ? random(256) : interesting[random(interesting.length)]!
  return copy
}

/** Loads every mutant of a file: a model, or a typed error. Anything else is thrown. */
async function survive(
  file: string,
  bytes: Uint8Array,
  headerBytes: number,
  load: (mutated: Uint8Array) => Promise<{ dispose(): void }>,
): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>()
  for (let number = 0; number < mutants; number++) {
    const outcome = await load(mutant(bytes, number, headerBytes)).then(
      (model) => {
        model.dispose()
        return 'loaded'
      },
      (error: unknown) => {
        if (error instanceof OutriderError) return error.code as string
        throw new Error(`${file}, mutant ${number}: ${String(error)}`, { cause: error })
      },
    )
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  return outcomes
}

describe('a damaged file', () => {
  it('of GGUF loads, or is refused with a typed error', async () => {
    const device = await testDevice()
    const files = memoryDirectory()
    const model = await randomModel({ architecture: 'phi3' })
    await saveGguf(model, files, { file: 'm.gguf' })
    model.dispose()
    const before = device.memory.liveBytes
    const bytes = await files.read('m.gguf')
    const outcomes = await survive('GGUF', bytes, 14_000, (mutated) =>
      loadCausalLM(memoryDirectory({ 'm.gguf': mutated }), { device, file: 'm.gguf' }),
    )
    expect(outcomes.get('FILE_FORMAT')).toBeGreaterThan(mutants / 4)
    expect(device.memory.liveBytes).toBe(before)
  })

  it.each(['model.safetensors', 'config.json', 'tokenizer.json'])(
    'of a directory loads, or is refused with a typed error: %s',
    async (file) => {
      const device = await testDevice()
      const saved = memoryDirectory()
      const model = await randomModel({ architecture: 'phi3' })
      await saveCausalLM(model, saved)
      model.dispose()
      const before = device.memory.liveBytes
      const names = await saved.list()
      const contents = await Promise.all(names.map(async (name) => [name, await saved.read(name)] as const))
      const bytes = await saved.read(file)
      const outcomes = await survive(file, bytes, file === 'model.safetensors' ? 2000 : bytes.length, (mutated) => {
        const files: Directory = memoryDirectory({ ...Object.fromEntries(contents), [file]: mutated })
        return loadCausalLM(files, { device })
      })
      expect(outcomes.get('FILE_FORMAT')).toBeGreaterThan(mutants / 4)
      expect(device.memory.liveBytes).toBe(before)
    },
  )
})
