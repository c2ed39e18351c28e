import { describe, expect, it } from 'vitest'
import { readStruct } from './thrift'

const struct = (...bytes: number[]) => readStruct(Uint8Array.from(bytes))

describe('readStruct', () => {
  it('reads numbers, texts, lists and structs by the numbers of their fields', () => {
    // 1: i32 −3; 2: text of 2 bytes; 4: list of i32 (1, 150); 5: struct with 1: true; 25: i64 1
    const bytes = [0x15, 5, 0x18, 2, 97, 98, 0x29, 0x25, 2, 0xac, 2, 0x1c, 0x11, 0, 0x06, 50, 2, 0]
    expect(struct(...bytes)).toEqual({
      struct: new Map<number, unknown>([
        [1, -3n],
        [2, undefined],
        [4, [1n, 150n]],
        [5, new Map([[1, true]])],
        [25, 1n],
      ]),
      end: bytes.length,
    })
  })

  it('says where the bytes end before the struct does', () => {
    for (const bytes of [[], [0x15], [0x15, 5], [0x18, 9, 97, 0], [0x1c, 0]]) expect(struct(...bytes)).toBeUndefined()
  })

  it('takes no memory for a list that is longer than the bytes that are left', () => {
    expect(struct(0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 2, 2)).toBeUndefined()
    expect(struct(0x18, 0xff, 0xff, 0xff, 0xff, 0x07, 97)).toBeUndefined()
  })

  it('refuses what is nested without end, a number without end, and types that Parquet has not', () => {
    expect(() => struct(...new Array(100).fill(0x1c))).toThrow(/nested too deeply/)
    expect(() => struct(...new Array(100).fill(0x19))).toThrow(/nested too deeply/)
    expect(() => struct(0x16, ...new Array(20).fill(0x80))).toThrow(/number that does not end/)
    expect(() => struct(0x1b, 0, 0)).toThrow(/type 11/)
  })
})
