import { describe, expect, it } from 'vitest'
import { memoryDirectory } from '../memory-directory'
import { type GgufDtype, ggufDtypes } from './dtype'
import { type RawValue, rawGguf } from './raw-gguf.fixture'
import { openGguf } from './read'

const open = (bytes: Uint8Array) => openGguf(memoryDirectory({ 'm.gguf': bytes }), 'm.gguf')

const tensor = (name: string, type = 0) => ({ name, shape: [1, 32], type, bytes: new Uint8Array(128) })

describe('what a GGUF file is', () => {
  it('is said of version 1, which was another format', async () => {
    await expect(open(rawGguf({ version: 1 }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('GGUF of version 1'),
    })
  })

  it('is said of the other order of bytes, which has the same beginning', async () => {
    const bytes = rawGguf({ bigEndian: true, values: { 'general.name': ['string', 'm'] } })
    await expect(open(bytes)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('big-endian'),
    })
  })

  it('is not known of later versions', async () => {
    await expect(open(rawGguf({ version: 4 }))).rejects.toThrow(/version 4 is not 2 or 3/)
  })
})

// The names of ggml's types by number (ggml.h of llama.cpp v0.5.0).
const typeNames: [number, string][] = [
  [0, 'F32'],
  [1, 'F16'],
  [2, 'Q4_0'],
  [3, 'Q4_1'],
  [6, 'Q5_0'],
  [7, 'Q5_1'],
  [8, 'Q8_0'],
  [9, 'Q8_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K'],
  [12, 'Q4_K'],
  [13, 'Q5_K'],
  [14, 'Q6_K'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [29, 'IQ1_M'],
  [30, 'BF16'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
  [40, 'NVFP4'],
  [41, 'Q1_0'],
  [42, 'Q2_0'],
  [43, 'number 43'],
]
const isRead = ([, name]: [number, string]) => name in ggufDtypes
const weights = (type: number) =>
  open(rawGguf({ tensors: [{ name: 'blk.0.ffn_up.weight', shape: [1, 256], type, bytes: new Uint8Array(1024) }] }))

it.each(typeNames.filter(isRead))('element type %s is %s', async (type, name) => {
  expect((await weights(type)).tensors.get('blk.0.ffn_up.weight')).toMatchObject({ dtype: name })
})

it.each(typeNames.filter((type) => !isRead(type)))(
  'an element type that is not read is refused by its name, with what makes one that is: %s is %s',
  async (type, name) => {
    await expect(weights(type)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(`"blk.0.ffn_up.weight" has elements of type ${name},`),
      remedy: expect.stringMatching(/IQ4_XS.* llama-quantize --allow-requantize old\.gguf new\.gguf Q8_0/),
    })
  },
)

it.each(typeNames.filter(isRead))('a tensor that ends beyond the file is refused: %s, %s', async (type, name) => {
  const { elements, bytes } = ggufDtypes[name as GgufDtype]
  const raw = { name: 'w', shape: [256, 256], type, bytes: new Uint8Array(((256 * 256) / elements) * bytes) }
  const whole = rawGguf({ tensors: [raw] })
  await open(whole)
  await expect(open(whole.subarray(0, -33))).rejects.toMatchObject({ code: 'FILE_FORMAT' })
})

describe('texts of a GGUF file', () => {
  it('keep U+FEFF at their beginning: a piece of a vocabulary has it', async () => {
    const { metadata } = await open(
      rawGguf({ values: { 'tokenizer.ggml.tokens': ['string[]', ['\ufeff', '\ufeffa']] } }),
    )
    expect(metadata.get('tokenizer.ggml.tokens')).toEqual(['\ufeff', '\ufeffa'])
  })

  it('are UTF-8 where something is computed with them; others may be anything', async () => {
    const latin1 = Uint8Array.of(0x4d, 0xf6)
    const { metadata } = await open(rawGguf({ values: { 'general.description': ['string', latin1] } }))
    expect(metadata.get('general.description')).toBe('M\ufffd')
    await expect(
      open(rawGguf({ values: { 'tokenizer.ggml.tokens': ['string[]', ['a', latin1]] } })),
    ).rejects.toMatchObject({ code: 'FILE_FORMAT', message: expect.stringContaining('a text is not UTF-8') })
  })
})

describe('a model in several GGUF files', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `m-0000${i + 1}-of-0000${count}.gguf`)

  /** Parts of a model with a tensor each, as gguf-split of llama.cpp writes them. */
  function parts(count: number, change: (part: number) => Record<string, RawValue> = () => ({})) {
    return names(count).map((name, part) => {
      const values: Record<string, RawValue> = {
        'split.no': ['u16', part],
        'split.count': ['u16', count],
        'split.tensors.count': ['i32', count],
        ...(part === 0 && { 'general.name': ['string', 'whole'] as RawValue }),
        ...change(part),
      }
      return [
        name,
        rawGguf({ values, tensors: [{ ...tensor(`t${part}`), bytes: new Uint8Array(128).fill(part) }] }),
      ] as const
    })
  }
  const directoryOf = (files: readonly (readonly [string, Uint8Array])[], name = 'here') =>
    memoryDirectory(Object.fromEntries(files), name)

  it('is opened by its first, with the tensors of all', async () => {
    const { metadata, tensors } = await openGguf(directoryOf(parts(3)), names(3)[0]!)
    expect(metadata.get('general.name')).toBe('whole')
    expect([...tensors.values()].map(({ name, file }) => [name, file])).toEqual([
      ['t0', 'm-00001-of-00003.gguf'],
      ['t1', 'm-00002-of-00003.gguf'],
      ['t2', 'm-00003-of-00003.gguf'],
    ])
  })

  it('names the first part to who opens another', async () => {
    await expect(openGguf(directoryOf(parts(3)), names(3)[1]!)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/is part 2 of 3; a model in parts is opened by its first.*m-00001-of-00003\.gguf/),
    })
  })

  it('names a part that is missing', async () => {
    const files = parts(3).filter(([name]) => name !== names(3)[2])
    await expect(openGguf(directoryOf(files), names(3)[0]!)).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringContaining('no file m-00003-of-00003.gguf'),
    })
  })

  it('needs the names of its parts to find them', async () => {
    const [[, bytes]] = parts(2) as [[string, Uint8Array], [string, Uint8Array]]
    await expect(openGguf(directoryOf([['renamed.gguf', bytes]]), 'renamed.gguf')).rejects.toThrow(
      /part 1 of 2 .* does not end in "-00001-of-00002\.gguf"/,
    )
  })

  it.each<[string, (part: number) => Record<string, RawValue>, RegExp]>([
    [
      'a part in the place of another',
      (part) => (part === 1 ? { 'split.no': ['u16', 2] } : {}),
      /part 3 of 3, not 2 of 3/,
    ],
    [
      'a part of a model in other parts',
      (part) => (part === 1 ? { 'split.count': ['u16', 4] } : {}),
      /part 2 of 4, not/,
    ],
    ['a whole file as a part', (part) => (part === 1 ? { 'split.count': ['u16', 0] } : {}), /no part that it is/],
    [
      'fewer tensors than it says',
      () => ({ 'split.tensors.count': ['i32', 4] }),
      /split\.tensors\.count is 4.* 3 tensors/,
    ],
    ['a number beyond the parts', (part) => (part === 0 ? { 'split.no': ['u16', 3] } : {}), /split\.no is 3/],
  ])('is refused for %s', async (_, change, message) => {
    await expect(openGguf(directoryOf(parts(3, change)), names(3)[0]!)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(message),
    })
  })

  it('is refused for a tensor in two parts', async () => {
    const [first, second] = parts(2) as [readonly [string, Uint8Array], readonly [string, Uint8Array]]
    const values: Record<string, RawValue> = { 'split.no': ['u16', 1], 'split.count': ['u16', 2] }
    const again = rawGguf({ values, tensors: [tensor('t0')] })
    await expect(openGguf(directoryOf([first, [second[0], again]]), names(2)[0]!)).rejects.toThrow(
      /"t0" is in an earlier part too/,
    )
  })
})
