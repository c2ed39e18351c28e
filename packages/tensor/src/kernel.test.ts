import { describe, expect, it } from 'vitest'
import { defineKernel, linearWorkgroups, packParameters, specializationKey, specialize } from './kernel'

const source = `// @group(0) @binding(9) var<storage, read> comment: array<f32>;
enable subgroups;
struct Params { rows: u32, shift: i32, epsilon: f32 }
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;
@compute @workgroup_size(LANES) fn main() {}`

describe('a kernel', () => {
  it('is described by its text alone', () => {
    const kernel = defineKernel({ name: 'example', source })
    expect(kernel.bindings).toEqual([
      { name: 'x', index: 0, access: 'read', isFloat: false },
      { name: 'y', index: 1, access: 'read_write', isFloat: true },
    ])
    expect(kernel.parameters).toEqual([
      { name: 'rows', type: 'u32' },
      { name: 'shift', type: 'i32' },
      { name: 'epsilon', type: 'f32' },
    ])
  })

  it('puts enable directives before constants, types and prelude', () => {
    const kernel = defineKernel({ name: 'example', source })
    const code = specialize(kernel, {
      constants: { LANES: 64, SCALE: 0.5, ON: true },
      types: { T: 'f32' },
      prelude: 'enable f16;\nfn f() {}',
    })
    expect(code.trimStart().startsWith('enable subgroups;\nenable f16;')).toBe(true)
    expect(code).toMatch(/alias T = f32;\nconst LANES = 64u;\nconst SCALE = f32\(0.5\);\nconst ON = true;/)
  })

  it('packs parameters in the order of the struct and refuses a missing one', () => {
    const kernel = defineKernel({ name: 'example', source })
    const words = new DataView(new ArrayBuffer(16))
    packParameters(kernel, { epsilon: 0.25, rows: 7, shift: -2 }, words, 4)
    expect([words.getUint32(4, true), words.getInt32(8, true), words.getFloat32(12, true)]).toEqual([7, -2, 0.25])
    expect(() => packParameters(kernel, { rows: 1, epsilon: 1 }, words, 0)).toThrow(
      /example: parameter "shift" is missing/,
    )
  })

  it('refuses parameters that are not 32-bit scalars', () => {
    expect(() => defineKernel({ name: 'bad', source: 'struct Params { size: vec2u }' })).toThrow(/not "size: vec2u"/)
  })

  it('tells its specialisations apart', () => {
    expect(specializationKey({})).toBe(specializationKey({}))
    expect(specializationKey({ constants: { N: 1 } })).not.toBe(specializationKey({ constants: { N: 2 } }))
  })

  it('folds long lines of workgroups', () => {
    expect(linearWorkgroups(65535)).toEqual([65535, 1, 1])
    const [x, y] = linearWorkgroups(1_000_000)
    expect(x * y).toBeGreaterThanOrEqual(1_000_000)
    expect(Math.max(x, y)).toBeLessThanOrEqual(65535)
  })
})
