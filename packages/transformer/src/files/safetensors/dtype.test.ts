import { describe, expect, it } from 'vitest'
import { memoryDirectory } from '../memory-directory'
import { storedToFloats } from '../stored-floats'
import { dtypeBits, type SafetensorsDtype } from './dtype'
import { parseSafetensorsHeader } from './header'
import { openSafetensors, readFloats } from './read'
import { writeSafetensors } from './write'

/** Checks the header of a file with one tensor. */
function check(dtype: string, shape: number[], bytes: number) {
  const json = new TextEncoder().encode(JSON.stringify({ odd: { dtype, shape, data_offsets: [0, bytes] } }))
  return parseSafetensorsHeader(json, 'm.safetensors', 8 + json.length + bytes).tensors.get('odd')
}

describe('a header', () => {
  // The sizes that safetensors 0.8.0 (Rust, Dtype::bitsize) gives to eight elements.
  it.each(Object.entries(dtypeBits))('counts the bytes of eight elements of %s: %i', (dtype, bits) => {
    expect(check(dtype, [2, 4], bits)).toMatchObject({ dtype, shape: [2, 4] })
    expect(() => check(dtype, [2, 4], bits + 1)).toThrow(/"odd": shape \[2, 4\] of .* needs/)
  })

  it('knows every type that safetensors writes', () => {
    expect(Object.keys(dtypeBits).sort()).toEqual(
      'BF16 BOOL C64 F16 F32 F4 F64 F6_E2M3 F6_E3M2 F8_E4M3 F8_E4M3FNUZ F8_E5M2 F8_E5M2FNUZ F8_E8M0 I16 I32 I64 I8 U16 U32 U64 U8'.split(
        ' ',
      ),
    )
  })

  it('refuses elements that do not end with a byte', () => {
    expect(() => check('F4', [3], 2)).toThrow(/needs 1.5 bytes/)
    expect(check('F6_E3M2', [4], 3)).toMatchObject({ dtype: 'F6_E3M2', shape: [4] })
  })

  it('names a type of a later version, and calls damaged only what no type is named', () => {
    expect(() => check('F5_E2M2', [8], 5)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringMatching(/"odd".*type F5_E2M2/) }),
    )
    expect(() => check('f32\n', [1], 4)).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })

  it('takes metadata of null for none', () => {
    const json = new TextEncoder().encode('{"__metadata__":null}')
    expect(parseSafetensorsHeader(json, 'm', 8 + json.length).metadata).toEqual({})
  })
})

describe('weights of types that devices have not', () => {
  // torch 2.13.0: torch.arange(256, dtype=torch.uint8).view(torch.float8_…).float() at these places, and over all of them the
  // sum of the finite values' sizes, the greatest, and where there is none.
  const codes = [0x01, 0x07, 0x08, 0x09, 0x38, 0x5b, 0x7b, 0x81, 0xc5]
  it.each([
    [
      'F8_E4M3',
      [0.001953125, 0.013671875, 0.015625, 0.017578125, 1, 22, 352, -0.001953125, -3.25],
      { sum: 10815.75, most: 448, nan: [127, 255], infinite: [] },
    ],
    [
      'F8_E5M2',
      [2 ** -16, 7 * 2 ** -16, 2 ** -13, 1.25 * 2 ** -13, 0.5, 224, 57344, -(2 ** -16), -5],
      { sum: 720895.9995117188, most: 57344, nan: [125, 126, 127, 253, 254, 255], infinite: [124, 252] },
    ],
    [
      'F8_E4M3FNUZ',
      [0.0009765625, 0.0068359375, 0.0078125, 0.0087890625, 0.5, 11, 176, -0.0009765625, -1.625],
      { sum: 5887.875, most: 240, nan: [128], infinite: [] },
    ],
    [
      'F8_E5M2FNUZ',
      [2 ** -17, 7 * 2 ** -17, 2 ** -14, 1.25 * 2 ** -14, 0.25, 112, 28672, -(2 ** -17), -2.5],
      { sum: 720895.9997558594, most: 57344, nan: [128], infinite: [] },
    ],
  ])('mean what torch says: %s', (dtype, values, { sum, most, nan, infinite }) => {
    const all = [
      ...storedToFloats(
        Uint8Array.from({ length: 256 }, (_, code) => code),
        dtype,
      ),
    ]
    expect(codes.map((code) => all[code])).toEqual(values)
    const finite = all.filter(Number.isFinite)
    expect(finite.reduce((total, value) => total + Math.abs(value), 0)).toBeCloseTo(sum, 9)
    expect(Math.max(...finite)).toBe(most)
    const places = (holds: (value: number) => boolean) => all.flatMap((value, i) => (holds(value) ? [i] : []))
    expect(places(Number.isNaN)).toEqual(nan)
    expect(places((value) => Math.abs(value) === Number.POSITIVE_INFINITY)).toEqual(infinite)
  })

  it('are read from a file: F64 rounded to f32, from any byte', async () => {
    const files = memoryDirectory()
    const doubles = new Uint8Array(Float64Array.of(1 / 3, -1e-300, 2 ** 100).buffer)
    await writeSafetensors(files, 'model.safetensors', [
      { name: 'a', dtype: 'U8', shape: [3], bytes: () => new Uint8Array(3) },
      { name: 'w', dtype: 'F64', shape: [3], bytes: () => doubles },
    ])
    const { tensors } = await openSafetensors(files)
    expect([...(await readFloats(files, tensors.get('w')!))]).toEqual([Math.fround(1 / 3), -0, 2 ** 100])
  })

  it.each(['F4', 'F6_E2M3', 'F8_E8M0', 'C64', 'BOOL', 'I8'] satisfies SafetensorsDtype[])(
    'are refused by name where they are no weights: %s',
    (dtype) => {
      expect(() => storedToFloats(new Uint8Array(8), dtype)).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(dtype) }),
      )
    },
  )
})
