import type { KernelPart } from '../../kernel/index'

/**
 * For functions whose built-in loses NaN on some drivers (max(NaN, 0) is 0, log(NaN) is 89): by the bits, as comparisons
 * with NaN are promised nothing.
 */
export const nan: KernelPart = {
  name: 'nan',
  provides: ['isNaN4', 'noNumber4'],
  text: `fn isNaN4(x: vec4f) -> vec4<bool> { return (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u); }
fn noNumber4(x: vec4f) -> vec4f { return bitcast<vec4f>(bitcast<vec4u>(x) | vec4u(0x7fc00000u)); }`,
}

/** The expression, or NaN where one of its arguments is NaN. */
export const keepingNaN = (expression: string, ...names: readonly string[]): string =>
  names.reduce((value, name) => `select(${value}, ${name}, isNaN4(${name}))`, expression)
