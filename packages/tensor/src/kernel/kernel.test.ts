import { describe, expect, it } from 'vitest'
import type { Tensor } from '../tensor'
import { elements } from './elements'
import { defineKernel, linearWorkgroups, packParameters, specializationKey, specialize } from './kernel'
import { formOf, type KernelPart } from './part'

const lanes: KernelPart = { name: 'lanes', provides: ['LANES', 'meet'] }
const wide: KernelPart = { name: 'wide', provides: ['wide'], text: 'fn wide() {}' }

const source = `// @group(0) @binding(9) var<storage, read> comment: array<f32>;
enable subgroups;
struct Params { rows: u32, shift: i32, epsilon: f32 }
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(0) var<storage> x: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;
/** Nothing of Anybody's. */
@compute @workgroup_size(LANES) fn main() { meet(wide(), y[0] * SCALE); }`
const example = () => defineKernel({ name: 'example', source, uses: [lanes, wide], constants: ['SCALE'] })
const refused = (text: string, declared: Omit<Parameters<typeof defineKernel>[0], 'name' | 'source'> = {}) =>
  expect(() => defineKernel({ name: 'bad', source: `@compute @workgroup_size(1) fn main() { ${text} }`, ...declared }))
const tensor = (dtype: string) => ({ dtype, shape: [4] }) as unknown as Tensor

describe('a kernel', () => {
  it('is described by its text', () => {
    const kernel = example()
    expect(kernel.bindings).toEqual([
      { name: 'x', access: 'read', isFloat: false },
      { name: 'y', access: 'read_write', isFloat: true },
    ])
    expect(kernel.parameters).toEqual([
      { name: 'rows', type: 'u32' },
      { name: 'shift', type: 'i32' },
      { name: 'epsilon', type: 'f32' },
    ])
  })

  it('is refused where its text takes what nobody provides, or what is named provides nothing to it', () => {
    const declaredNowhere = (name: string) =>
      expect.objectContaining({
        code: 'KERNEL',
        message: expect.stringContaining(`Kernel bad: "${name}" is declared nowhere.`),
      })
    refused('let x = rowSum(1.0);').toThrow(declaredNowhere('rowSum'))
    refused('let x = LANES;').toThrow(declaredNowhere('LANES'))
    refused('var x: element_x;').toThrow(declaredNowhere('element_x'))
    refused('let x = max(1.0, f32(vec4f().x));').not.toThrow()
    refused('let x = 1;', { uses: [wide] }).toThrow('Kernel bad: the text uses nothing of wide.')
    refused('let x = 1;', { constants: ['N'] }).toThrow('Kernel bad: the text does not use the constant "N".')
    refused('wide(); } fn wide() {', { uses: [wide] }).toThrow('"wide" is declared in the text and in what it uses')
    refused('load_x(0u);', { uses: [elements({ x: 1 })] }).toThrow('Kernel bad: there is no binding "x".')
  })

  it('has the bindings and the parameters of what it uses, after its own', () => {
    const more: KernelPart = {
      name: 'more',
      provides: ['more'],
      text: 'fn more() -> u32 { return table[params.tableFirst]; }',
      bindings: ['var<storage, read> table: array<u32>'],
      fields: ['tableFirst: u32'],
    }
    const kernel = defineKernel({
      name: 'example',
      source: source.replace('meet(wide(), y[0] * SCALE)', 'more()').replace('LANES', '1'),
      uses: [more],
    })
    expect(kernel.bindings.map(({ name }) => name)).toEqual(['x', 'y', 'table'])
    expect(kernel.parameters.map(({ name }) => name)).toEqual(['tableFirst', 'rows', 'shift', 'epsilon'])
    const code = specialize(kernel, {})
    expect(code).toContain('@group(0) @binding(2) var<storage, read> table: array<u32>;')
    expect(code).toMatch(/struct Params \{ tableFirst: u32, rows: u32/)
  })

  it('puts enable directives before constants and what it uses, and its own text last', () => {
    const form = formOf(lanes, 'enable f16;\nfn meet() {}', { LANES: 64 })
    const code = specialize(example(), { constants: { SCALE: 0.5 }, forms: [form] })
    expect(code.startsWith('enable f16;\nenable subgroups;')).toBe(true)
    expect(code).toMatch(/const SCALE = f32\(0.5\);\nconst LANES = 64u;/)
    expect(code.indexOf('fn meet')).toBeLessThan(code.indexOf('fn main'))
  })

  it('is refused a run without a constant or a form that it declares, or with another', () => {
    const form = formOf(lanes, 'fn meet() {}', { LANES: 64 })
    const run = (specialization: Parameters<typeof specialize>[1]) => () => specialize(example(), specialization)
    expect(run({ forms: [form] })).toThrow('Kernel example: the constant "SCALE" is missing.')
    expect(run({ constants: { SCALE: 1 } })).toThrow('Kernel example: a form of "lanes" is missing.')
    expect(run({ constants: { SCALE: 1, N: 2 }, forms: [form] })).toThrow('the constant "N" is not declared')
    expect(run({ constants: { SCALE: 1 }, forms: [form, formOf(wide, '')] })).toThrow(
      'a form of "wide" is not declared',
    )
  })

  it('reads and writes elements by the dtypes that are bound, and holds at what f16 holds', () => {
    const text = `@group(0) @binding(0) var<storage, read> x: array<element_x>;
@group(0) @binding(1) var<storage, read_write> y: array<element_y>;
@compute @workgroup_size(1) fn main() { store_y(0u, load_x(0u)); }`
    const native = defineKernel({ name: 'native', source: text, uses: [elements({ x: 4, y: 4 })] })
    const ofHalves = specialize(native, {}, { x: tensor('f16'), y: tensor('f32') })
    expect(ofHalves).toMatch(/^enable f16;/)
    expect(ofHalves).toContain('alias element_x = vec4<f16>;')
    expect(ofHalves).toContain('alias element_y = vec4f;')
    const packed = defineKernel({ name: 'packed', source: text, uses: [elements({ x: 4, y: 4 }, { packed: true })] })
    const inWords = specialize(packed, {}, { x: tensor('u32'), y: tensor('f16') })
    expect(inWords).not.toContain('enable')
    expect(inWords).toContain('alias element_x = vec4u;')
    expect(inWords).toContain('pack2x16float(clamp(v.xy, vec2f(-65504.0), vec2f(65504.0)))')
  })

  it('packs parameters in the order of the struct and refuses a missing one', () => {
    const kernel = example()
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
    expect(formOf(lanes, 'a', { LANES: 1 })).toBe(formOf(lanes, 'a', { LANES: 1 }))
    expect(formOf(lanes, 'a', { LANES: 1 }).number).not.toBe(formOf(lanes, 'a', { LANES: 2 }).number)
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
