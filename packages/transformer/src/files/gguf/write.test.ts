import { expect, it } from 'vitest'
import { memoryDirectory } from '../memory-directory'
import { openGguf } from './read'
import type { GgufValue } from './value'
import { writeGguf } from './write'

// Headers grow while they are written: each kind of value is once the one that no longer fits.
const values: [string, (count: number) => GgufValue][] = [
  ['i32[]', (count) => ({ type: 'i32[]', value: Array.from({ length: count }, (_, i) => i - 7) })],
  ['f32[]', (count) => ({ type: 'f32[]', value: Array.from({ length: count }, (_, i) => i / 4) })],
  ['string[]', (count) => ({ type: 'string[]', value: Array.from({ length: count }, (_, i) => `piece ${i}`) })],
]

it.each(values)('lists of any length are written and read: %s', async (_, list) => {
  const metadata = new Map<string, GgufValue>()
  for (const count of [1, 3_000, 40_000, 151_936]) metadata.set(`of ${count}`, list(count))
  metadata.set('small', { type: 'u32', value: 5 })
  const files = memoryDirectory()
  await writeGguf(files, 'lists.gguf', { metadata, tensors: [] })
  const read = (await openGguf(files, 'lists.gguf')).metadata
  for (const [key, { value }] of metadata) expect(read.get(key)).toEqual(value)
})

it('a text that begins with U+FEFF, as a piece of Llama 2 does, is read with it', async () => {
  const value = ['\ufeff', '\ufeff▁a', 'b\ufeff']
  const files = memoryDirectory()
  await writeGguf(files, 'marks.gguf', { metadata: new Map([['pieces', { type: 'string[]', value }]]), tensors: [] })
  expect((await openGguf(files, 'marks.gguf')).metadata.get('pieces')).toEqual(value)
})
