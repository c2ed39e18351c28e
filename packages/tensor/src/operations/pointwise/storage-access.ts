import type { DType, ElementDType } from '../../dtype'
import { OutriderError } from '../../errors'

const access: Record<ElementDType, { vector: string; unpack: string; pack: string }> = {
  f32: { vector: 'vec4f', unpack: 'v', pack: 'v' },
  f16: {
    vector: 'vec2u',
    unpack: 'vec4f(unpack2x16float(v.x), unpack2x16float(v.y))',
    // What f16 cannot hold becomes its largest number: pack2x16float of it would be indeterminate.
    pack: 'vec2u(pack2x16float(clamp(v.xy, vec2f(-65504.0), vec2f(65504.0))), pack2x16float(clamp(v.zw, vec2f(-65504.0), vec2f(65504.0))))',
  },
  u32: { vector: 'vec4u', unpack: 'vec4f(v)', pack: 'vec4u(v)' },
  i32: { vector: 'vec4i', unpack: 'vec4f(v)', pack: 'vec4i(v)' },
}

/**
 * WGSL by which a kernel reads and writes four elements of any dtype as `vec4f`: for name X, the type `X4` of four stored
 * elements, `unpackX` and `packX`. Nothing here needs `shader-f16`.
 *
 * @throws OutriderError DTYPE_MISMATCH for the formats of weights, which are not computed with
 */
export function storageAccess(dtypes: Record<string, DType>): string {
  return Object.entries(dtypes)
    .map(([name, dtype]) => {
      if (!(dtype in access))
        throw new OutriderError('DTYPE_MISMATCH', `A tensor of ${dtype} cannot be computed with.`, {
          remedy: "cast(x, 'f32') first.",
        })
      const { vector, unpack, pack } = access[dtype as ElementDType]
      return `alias ${name}4 = ${vector};
fn unpack${name}(v: ${name}4) -> vec4f { return ${unpack}; }
fn pack${name}(v: vec4f) -> ${name}4 { return ${pack}; }`
    })
    .join('\n')
}
