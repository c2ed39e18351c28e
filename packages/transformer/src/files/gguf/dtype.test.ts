import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { expect, it } from 'vitest'
import { floatsToStored, storedToFloats, type WritableDtype } from '../stored-floats'
import { ggufDtypes } from './dtype'

interface Recorded {
  meant: Record<string, { blocks: string; values: string }>
  written: { values: string; blocks: Record<string, string> }
}

const { meant, written } = JSON.parse(readFileSync(testData('ggml-blocks/blocks.json'), 'utf8')) as Recorded
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))
const floats = (text: string) => new Float32Array(bytes(text).buffer)

it('of every type in blocks there is what gguf-py says of it', () => {
  const inBlocks = Object.entries(ggufDtypes).filter(([, { elements }]) => elements > 1)
  expect(Object.keys(meant).sort()).toEqual(inBlocks.map(([name]) => name).sort())
})

it.each(Object.keys(meant))('blocks of %s mean what gguf-py says, to the bit', (dtype) => {
  const values = storedToFloats(bytes(meant[dtype]!.blocks), dtype)
  // Zeros of either sign are equal.
  expect(Array.from(values, (value) => value + 0)).toEqual(
    Array.from(floats(meant[dtype]!.values), (value) => value + 0),
  )
})

it.each(Object.keys(written.blocks))('values become the same blocks of %s as with gguf-py', (dtype) => {
  expect(floatsToStored(floats(written.values), dtype as WritableDtype)).toEqual(bytes(written.blocks[dtype]!))
})
