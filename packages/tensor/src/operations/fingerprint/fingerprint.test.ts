import { beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '../../device/device'
import { testDevice } from '../../testing/index'
import { cast } from '../pointwise/cast'
import { fingerprints } from './fingerprint'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** The same sums, word by word. */
function reference(words: Uint32Array): string {
  const mixed = (word: number) => {
    let h = word
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }
  let [one, two] = [0, 0]
  for (const [i, word] of words.entries()) {
    const place = mixed((Math.imul(i, 0x9e3779b9) + 0x7f4a7c15) >>> 0)
    const h = mixed((word ^ place) >>> 0)
    one = (one + h) >>> 0
    two = (two + mixed((h + Math.imul(word, 0x9e3779b1) + place) >>> 0)) >>> 0
  }
  return [one, two].map((sum) => sum.toString(16).padStart(8, '0')).join('')
}

describe('the fingerprint of a tensor', () => {
  it('is what the sums are by hand, over more than one workgroup', async () => {
    const values = Float32Array.from({ length: 40_000 }, (_, i) => Math.sin(i))
    using x = device.tensor(values)
    expect(await fingerprints([x])).toEqual([reference(new Uint32Array(values.buffer))])
  })

  it('differs where one bit does, or two elements are exchanged, and in the last half of a word', async () => {
    const values = Float32Array.from({ length: 999 }, (_, i) => i / 7)
    using x = device.tensor(values)
    using half = cast(x, 'f16')
    const [before, halves] = await fingerprints([x, half])
    new Uint32Array(values.buffer)[500]! ^= 1
    x.write(values)
    const [flipped] = await fingerprints([x])
    new Uint32Array(values.buffer)[500]! ^= 1
    ;[values[3], values[4]] = [values[4]!, values[3]!]
    x.write(values)
    const [exchanged] = await fingerprints([x])
    values.sort()
    values[998] = -1
    x.write(values)
    using last = cast(x, 'f16')
    const [lastHalf] = await fingerprints([last])
    expect(new Set([before, halves, flipped, exchanged, lastHalf]).size).toBe(5)
  })

  it('leaves no memory behind, and of no tensor there is none', async () => {
    using x = device.tensor([1, 2, 3])
    const { liveBytes } = device.memory
    await fingerprints([x])
    expect(device.memory.liveBytes).toBe(liveBytes)
    expect(await fingerprints([])).toEqual([])
  })
})
