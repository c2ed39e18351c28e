import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readText } from './directory'
import { openGguf } from './gguf/read'
import { insteadOf } from './instead'
import { readJson } from './json'
import { memoryDirectory } from './memory-directory'
import { readSafetensors } from './safetensors/read'

const text = (content: string) => new TextEncoder().encode(content)
const bytes = (...start: number[]) => Uint8Array.from({ length: 600 }, (_, i) => start[i] ?? (i * 37 + 11) % 256)
const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1044984\n'
const tar = bytes()
tar.set(text('ustar'), 257)

/** Files that lie in place of others, each with the words that tell it. */
const strangers: [string, Uint8Array, RegExp][] = [
  ['a pointer of Git LFS', text(pointer), /pointer of Git LFS.*git lfs pull/],
  ['a pointer of Git Xet', text('# xet version 0\nfilesize = 3\n'), /pointer of Git Xet/],
  ['a page', text('<!DOCTYPE html><title>Log in</title>'), /an HTML page.*check the address/],
  [
    'an answer of a storage server',
    text('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>'),
    /error message of/,
  ],
  ['gzip', gzipSync(text('{}')), /compressed \(gzip\)/],
  ['zstd', bytes(0x28, 0xb5, 0x2f, 0xfd), /compressed \(zstd\)/],
  ['xz', bytes(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), /compressed \(xz\)/],
  ['a zip archive', bytes(0x50, 0x4b, 3, 4), /a zip archive.*PyTorch/],
  ['a tar archive', tar, /an archive \(tar\)/],
  ['a pickle', bytes(0x80, 2, 0x8a, 0x0a), /Python pickle.*save_pretrained/],
  ['HDF5', bytes(0x89, 0x48, 0x44, 0x46), /HDF5/],
  ['GGML', bytes(0x74, 0x6a, 0x67, 0x67, 1), /GGML of before GGUF/],
  ['ONNX', bytes(8, 7, 0x12, 7, ...text('pytorch')), /ONNX/],
  ['nothing', new Uint8Array(), /empty|0 bytes/],
  ['zeros', new Uint8Array(4096), /nothing but zeros/],
  ['text in UTF-16', bytes(0xff, 0xfe, 0x7b, 0), /UTF-16/],
]

describe('in place of a file', () => {
  it.each(strangers)('of JSON or text %s is told', async (_, content, message) => {
    const files = memoryDirectory({ 'config.json': content })
    const refusal = { code: 'FILE_FORMAT', message: expect.stringMatching(message) }
    await expect(readJson(files, 'config.json')).rejects.toMatchObject(refusal)
    await expect(readText(files, 'config.json')).rejects.toMatchObject(refusal)
    const told = await readJson(files, 'config.json').catch((error: Error) => error.message)
    expect(told).toContain('memory/config.json')
    expect(told).not.toMatch(/\p{Cc}/u)
  })

  it.each(strangers)('of safetensors or GGUF %s is told', async (_, content, message) => {
    const files = memoryDirectory({ m: content })
    const refusal = { code: 'FILE_FORMAT', message: expect.stringMatching(message) }
    await expect(readSafetensors(files, 'm')).rejects.toMatchObject(refusal)
    await expect(openGguf(files, 'm')).rejects.toMatchObject(refusal)
  })

  it('GGUF and safetensors are told from each other', async () => {
    const json = '{"__metadata__":{"format":"pt"}}'
    const safetensors = bytes(json.length, 0, 0, 0, 0, 0, 0, 0, ...text(json))
    const gguf = bytes(...text('GGUF'), 3, 0, 0, 0)
    const files = memoryDirectory({ 'm.gguf': safetensors, 'm.safetensors': gguf, 'config.json': gguf })
    await expect(openGguf(files, 'm.gguf')).rejects.toThrow(/it is a safetensors file/)
    await expect(readSafetensors(files, 'm.safetensors')).rejects.toThrow(/it is a GGUF file.*ends in .gguf/)
    await expect(readJson(files, 'config.json')).rejects.toThrow(/is a GGUF file/)
  })

  it('what a server says in words is shown', async () => {
    const files = memoryDirectory({ m: 'Entry not found\n', n: '{"error":"Invalid username or password."}' })
    await expect(readSafetensors(files, 'm')).rejects.toThrow(/it is text: "Entry not found"/)
    await expect(openGguf(files, 'n')).rejects.toThrow(/it is text: ".*Invalid username/)
  })

  it('and what it answers in place of JSON', async () => {
    const files = memoryDirectory({
      a: 'Entry not found\n',
      b: '{"error":"Access to model x is restricted.\\u001b"}',
      c: '{"error":"a","architectures":[],"vocab_size":1}',
    })
    await expect(readJson(files, 'a')).rejects.toThrow(/it is text: "Entry not found"/)
    await expect(readJson(files, 'b')).rejects.toThrow(/b is what a server answered: "Access to model x is restricted/)
    expect(await readJson(files, 'c')).toHaveProperty('vocab_size')
  })

  it('JSON of two versions, with what Git puts between them, is told', async () => {
    const files = memoryDirectory({ c: '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> other\n}\n' })
    await expect(readJson(files, 'c')).rejects.toThrow(/unresolved conflict/)
  })

  it.each([640, 35_615, 65_279, 0x02_80])('a header of %i bytes is one, whatever else begins so', async (length) => {
    const json = '{}'.padEnd(length)
    const file = new Uint8Array(8 + length)
    new DataView(file.buffer).setBigUint64(0, BigInt(length), true)
    file.set(text(json), 8)
    expect(insteadOf(file, 'safetensors')).toBeUndefined()
    expect((await readSafetensors(memoryDirectory({ m: file }), 'm')).tensors.size).toBe(0)
  })
})

it('characters that a terminal obeys are not in what is said of broken JSON', async () => {
  const files = memoryDirectory({ c: '\u001b[2J\u0007{"a":\u0085' })
  const error = await readJson(files, 'c').catch((cause: unknown) => cause)
  expect((error as Error).message).toMatch(/c is not valid JSON/)
  expect((error as Error).message).not.toMatch(/\p{Cc}/u)
})
