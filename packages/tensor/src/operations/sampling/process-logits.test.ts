import { beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '../../device/device'
import { normalPair } from '../../random/philox'
import type { Tensor } from '../../tensor'
import { expectAllClose, testDevice } from '../../testing'
import { countTokens, inPrompt, type Penalties, type ProcessLogitsOptions, processLogits } from './process-logits'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const vocabulary = 77
const logits = (rows: number, columns = vocabulary, stream = 1) =>
  Float32Array.from({ length: rows * columns }, (_, i) => 3 * normalPair(stream, i)[0])
const bias = new Map([
  [3, 5],
  [9, -100],
  [70, 0.25],
])
const penalties: Penalties = { repetition: 1.3, frequency: 0.4, presence: -0.7 }
const prompt = [1, 2, 3, 3, 76]
const said = [2, 9, 9, 40, 9]
const drafted = [40, 5, 2, 5]

/** The definition in float64: what a token's logit is after the prompt and what was said. */
function reference(x: number, id: number, text: readonly number[], allowed = true, some = penalties): number {
  if (!allowed) return -3e38
  const times = text.filter((token) => token === id).length
  let z = x + (bias.get(id) ?? 0)
  if (times > 0 || prompt.includes(id)) z = z > 0 ? z / some.repetition : z * some.repetition
  return z - some.frequency * times - (times > 0 ? some.presence : 0)
}

async function processed(x: Float32Array, rows: number, options: (made: Given) => ProcessLogitsOptions) {
  using y = device.scope(() => {
    const dense = new Float32Array(vocabulary)
    for (const [id, value] of bias) dense[id] = value
    const counts = new Uint32Array(vocabulary)
    for (const id of prompt) counts[id] = inPrompt
    const made = { bias: device.tensor(dense), counts: device.tensor(counts) }
    countTokens(made.counts, device.tensor(Uint32Array.from([...said, 4_000_000_000])))
    return processLogits(device.tensor(x, { shape: [rows, x.length / rows] }), options(made))
  })
  return (await y.data()) as Float32Array
}
type Given = { bias: Tensor; counts: Tensor }

describe('logits before a draw', () => {
  it('have a bias and penalties for what prompt and answer have, row after row of a draft', async () => {
    const x = logits(4)
    const y = await processed(x, 4, (given) => ({
      ...given,
      penalties,
      drafted: device.tensor(Uint32Array.from(drafted)),
      first: 1,
    }))
    const expected = Float64Array.from(x, (z, i) => {
      const row = Math.floor(i / vocabulary)
      return reference(z, i % vocabulary, [...said, ...drafted.slice(0, 1 + row)])
    })
    await expectAllClose(y, expected, { absolute: 1e-5, relative: 1e-5 })
  })

  it('are a row for row function of the tokens before them, bit for bit', async () => {
    const x = logits(4)
    const tokens = () => device.tensor(Uint32Array.from(drafted))
    const all = await processed(x, 4, (given) => ({ ...given, penalties, drafted: tokens() }))
    for (let row = 0; row < 4; row++) {
      const alone = await processed(x.slice(row * vocabulary, (row + 1) * vocabulary), 1, (given) => {
        if (row > 0) countTokens(given.counts, device.tensor(Uint32Array.from(drafted.slice(0, row))))
        return { ...given, penalties }
      })
      expect(alone).toEqual(all.slice(row * vocabulary, (row + 1) * vocabulary))
    }
  })

  it('of a head that says some ids alone are those of the ids', async () => {
    const ids = [70, 2, 9, 75, 40]
    const x = logits(2, ids.length)
    const y = await processed(x, 2, (given) => ({
      ...given,
      penalties,
      ids: device.tensor(Uint32Array.from(ids)),
      drafted: device.tensor(Uint32Array.from(drafted)),
      mask: device.tensor(Uint32Array.of(0, 0, 0b1001 << 8, 0xffffffff, 0x3ff, 0xffffffff), { shape: [2, 3] }),
    }))
    const allowed = [(id: number) => id === 75 || id === 72, (id: number) => id < 42 || id > 63]
    const expected = Float64Array.from(x, (z, i) => {
      const [row, id] = [Math.floor(i / ids.length), ids[i % ids.length]!]
      return reference(z, id, [...said, ...drafted.slice(0, row)], allowed[row]!(id))
    })
    await expectAllClose(y, expected, { absolute: 1e-5, relative: 1e-5 })
  })

  it('do not allow ids beyond the words of a mask', async () => {
    const x = logits(1)
    const mask = (given: Given) => ({
      bias: given.bias,
      mask: device.tensor(Uint32Array.of(0x80000001), { shape: [1, 1] }),
    })
    const y = await processed(x, 1, mask)
    expect([...y].flatMap((z, id) => (z > -1e38 ? [id] : []))).toEqual([0, 31])
  })

  it('that are no numbers stay none, and −∞ stays what is left out', async () => {
    const x = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1)
    const y = await processed(x, 1, (given) => ({ ...given, penalties }))
    expect([...y.slice(0, 3)]).toEqual([...x.slice(0, 3)])
    expect(y[3]).toBeCloseTo(reference(1, 3, said), 5)
  })

  it('are refused with masks, ids or drafted tokens that do not fit', () => {
    device.scope(() => {
      const [x, word] = [device.zeros([2, 4]), device.zeros([1, 1], 'u32')]
      expect(() => processLogits(x, { mask: word })).toThrow(/a mask for each row/)
      expect(() => processLogits(x, { ids: word })).toThrow(/an id for each column/)
      expect(() => processLogits(x, { drafted: word, first: 1 })).toThrow(/a drafted token before each row/)
    })
  })
})
