import { halfToFloat } from '@outrider/tensor/internal'
import { describe, expect, it } from 'vitest'
import { memoryDirectory } from '../memory-directory'
import { floatsToStored, storedToFloats } from '../stored-floats'
import { openSafetensors, readFloats, readSafetensors, readTensor } from './read'
import { type TensorToWrite, writeSafetensors, writeShardedSafetensors } from './write'

const floats = (...values: number[]) => Float32Array.from(values)
const f32 = (name: string, shape: number[], values: Float32Array): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape,
  bytes: () => new Uint8Array(values.buffer),
})

/** A safetensors file from any header, true or not. */
function file(header: object | string, dataBytes: number, claimedLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const entry = (shape: number[], begin: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})
const headerOf = (bytes: Uint8Array) => readSafetensors(memoryDirectory({ 'm.safetensors': bytes }), 'm.safetensors')

describe('writeSafetensors', () => {
  it('writes what readTensor reads, bit for bit', async () => {
    const files = memoryDirectory()
    const values = floats(1, -0, Number.NaN, 3.25e-40, 1e38, -2)
    await writeSafetensors(files, 'm.safetensors', [f32('b', [2, 3], values), f32('a', [0], floats())], {
      made: 'here',
    })
    const { tensors, metadata } = await readSafetensors(files, 'm.safetensors')
    expect([...tensors.keys()].sort()).toEqual(['a', 'b'])
    expect(metadata).toEqual({ made: 'here' })
    const read = await readFloats(files, tensors.get('b')!)
    expect(new Uint32Array(read.buffer, read.byteOffset, 6)).toEqual(new Uint32Array(values.buffer))
  })

  it('gives the same bytes whatever the order of the tensors, with data aligned to 8 bytes', async () => {
    const [a, b] = [f32('a', [1], floats(1)), f32('b', [1], floats(2))]
    const files = memoryDirectory()
    await writeSafetensors(files, 'ab', [a, b])
    await writeSafetensors(files, 'ba', [b, a])
    const bytes = await files.read('ab')
    expect(await files.read('ba')).toEqual(bytes)
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n)
  })

  it('refuses bytes that do not fit the shape, and leaves nothing', async () => {
    const files = memoryDirectory()
    await expect(writeSafetensors(files, 'm', [f32('w', [3], floats(1))])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(await files.has('m')).toBe(false)
  })

  it('splits into shards that openSafetensors joins, and goes back to one file', async () => {
    const files = memoryDirectory()
    const tensors = ['a', 'b', 'c'].map((name, i) => f32(name, [4], floats(i, i, i, i)))
    await writeShardedSafetensors(files, tensors, { maxShardBytes: 32 })
    expect(await files.list()).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ])
    const opened = await openSafetensors(files)
    expect(opened.bytes).toBe(48)
    expect([...(await readFloats(files, opened.tensors.get('c')!))]).toEqual([2, 2, 2, 2])
    await writeShardedSafetensors(files, tensors)
    expect(await files.has('model.safetensors.index.json')).toBe(false)
    expect((await openSafetensors(files)).tensors.get('a')!.file).toBe('model.safetensors')
  })
})

describe('readTensor', () => {
  it('reads integers as they are', async () => {
    const stored = (dtype: 'I32' | 'U32' | 'I64', array: Int32Array | Uint32Array | BigInt64Array): TensorToWrite => ({
      name: dtype,
      dtype,
      shape: [array.length],
      bytes: () => new Uint8Array(array.buffer),
    })
    const files = memoryDirectory()
    const arrays = [Int32Array.of(-1, 2), Uint32Array.of(4294967295), BigInt64Array.of(-(2n ** 62n))] as const
    await writeSafetensors(files, 'm', [stored('I32', arrays[0]), stored('U32', arrays[1]), stored('I64', arrays[2])])
    const { tensors } = await readSafetensors(files, 'm')
    expect(await readTensor(files, tensors.get('I32')!)).toEqual(arrays[0])
    expect(await readTensor(files, tensors.get('U32')!)).toEqual(arrays[1])
    expect(await readTensor(files, tensors.get('I64')!)).toEqual(arrays[2])
    await expect(readFloats(files, tensors.get('I64')!)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('F16 and BF16', () => {
  it('widen every bit pattern as IEEE 754 says', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const widened = storedToFloats(new Uint8Array(halves.buffer), 'F16')
    for (let i = 0; i < 65536; i += 7) expect(Object.is(widened[i], halfToFloat(i))).toBe(true)
    const bytes = new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001).buffer)
    expect([...storedToFloats(bytes, 'BF16')]).toEqual([1, -2, Number.POSITIVE_INFINITY, 2 ** -133])
  })

  it('round to nearest, ties to even, and back without change', () => {
    const values = floats(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -65504, 2 ** -130)
    const back = storedToFloats(floatsToStored(values, 'BF16'), 'BF16')
    expect([...back]).toEqual([1, 1, 1 + 2 ** -6, -65536, 2 ** -130])
    expect([...storedToFloats(floatsToStored(back, 'BF16'), 'BF16')]).toEqual([...back])
    expect([...storedToFloats(floatsToStored(floats(0.1, 65504, 2 ** -24), 'F16'), 'F16')]).toEqual([
      0.0999755859375,
      65504,
      2 ** -24,
    ])
  })

  it('are read from any byte offset', () => {
    const shifted = new Uint8Array(Uint8Array.of(0, 0x80, 0x3f).buffer, 1, 2)
    expect([...storedToFloats(shifted, 'BF16')]).toEqual([1])
  })
})

describe('a broken safetensors file is refused by name, tensor and byte', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(), /byte 0: the file has 0 bytes/],
    ['shorter than its length field', new Uint8Array(5), /byte 0: the file has 5 bytes/],
    ['a header length of 2^63', file({}, 0, 2n ** 63n), /byte 0: the header claims 9223372036854776000 bytes/],
    [
      'a header longer than the file',
      file({}, 4, 1000n),
      /byte 0: the header claims 1000 bytes, and the file ends after 6/,
    ],
    ['JSON cut off', file('{"a":{', 0), /byte 8: the header is not valid JSON/],
    ['not UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), /byte 8: the header is not valid JSON/],
    ['an array for a header', file('[]', 0), /the header is not a JSON object/],
    ['an entry that is no object', file({ w: 3 }, 0), /tensor "w": its entry is not an object/],
    ['an unknown dtype', file({ w: entry([1], 0, 4, 'f33') }, 4), /tensor "w": unknown dtype "f33"/],
    ['a dtype from the prototype', file({ w: entry([1], 0, 4, 'toString') }, 4), /unknown dtype "toString"/],
    ['a negative size', file({ w: entry([-1], 0, 4) }, 4), /its shape \[-1\] is not a list of sizes/],
    ['a fractional size', file({ w: entry([0.5], 0, 4) }, 4), /its shape/],
    ['a size beyond all measure', file({ w: entry([2 ** 40, 2 ** 40], 0, 4) }, 4), /needs .* bytes/],
    ['offsets that go backwards', file({ w: entry([1], 4, 0) }, 4), /data_offsets \[4,0\]/],
    [
      'offsets that do not fit the shape',
      file({ w: entry([2, 2], 0, 12) }, 12),
      /shape \[2, 2\] of F32 needs 16 bytes, and its data_offsets hold 12/,
    ],
    ['truncated data', file({ w: entry([4], 0, 16) }, 10), /tensor "w" takes bytes \d+ to \d+, and the file ends/],
    [
      'overlapping tensors',
      file({ a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12),
      /tensor "b" begins inside tensor "a"/,
    ],
    ['a gap', file({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12), /4 bytes before tensor "b" belong to no tensor/],
    ['bytes left over', file({ a: entry([1], 0, 4) }, 9), /5 bytes after the last tensor/],
    ['metadata that is no object', file({ __metadata__: 'x' }, 0), /metadata is not an object/],
  ]

  it.each(cases)('%s', async (_, bytes, message) => {
    const failure = await headerOf(bytes).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'FILE_FORMAT', message: expect.stringMatching(message) })
    expect(failure).toMatchObject({ message: expect.stringContaining('memory/m.safetensors') })
  })

  it('takes a tensor named __proto__ as any other', async () => {
    const { tensors } = await headerOf(file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4))
    expect(tensors.get('__proto__')?.shape).toEqual([1])
  })
})

describe('a broken index', () => {
  const shard = () => file({ w: entry([1], 0, 4) }, 4)
  const open = (index: unknown, files: Record<string, Uint8Array> = {}) =>
    openSafetensors(memoryDirectory({ 'model.safetensors.index.json': JSON.stringify(index), ...files }))

  it.each([
    ['has no weight_map', { metadata: {} }, {}, 'FILE_FORMAT', /weight_map/],
    ['is null', null, {}, 'FILE_FORMAT', /weight_map/],
    ['names a shard that is missing', { weight_map: { w: 's' } }, {}, 'FILE_MISSING', /no file s/],
    ['leads outside the directory', { weight_map: { w: '../s' } }, {}, 'INVALID_ARGUMENT', /\.\.\/s/],
    ['names a tensor its shard lacks', { weight_map: { v: 's' } }, { s: shard() }, 'FILE_FORMAT', /tensor "v" in s/],
    [
      'has a tensor twice',
      { weight_map: { w: 's', W: 't' } },
      { s: shard(), t: file({ w: entry([1], 0, 4), W: entry([1], 4, 8) }, 8) },
      'FILE_FORMAT',
      /"w" is in s and in t/,
    ],
  ] as const)('%s', async (_, index, files, code, message) => {
    await expect(open(index, files)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('and a directory without weights says what is looked for', async () => {
    await expect(openSafetensors(memoryDirectory({}, 'empty'))).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringContaining('empty has neither model.safetensors nor'),
    })
  })
})
