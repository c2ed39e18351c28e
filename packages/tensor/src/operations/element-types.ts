import type { Device } from '../device/device'
import type { DType } from '../dtype'
import { OutriderError } from '../errors'
import type { KernelSpecialization } from '../kernel'
import type { Tensor } from '../tensor'

/** A tensor that a kernel reads or writes, and how many of its elements at once. */
export type ElementAccess = readonly [tensor: Pick<Tensor, 'dtype' | 'shape'>, width: 1 | 4]

/**
 * For kernels whose tensors may be f32 or f16, which are f32 everywhere but in memory. The text declares such a tensor as
 * `array<X>`, X being an element or a vector of four; what it loads it widens at once, `f32(x[i])` or `vec4f(x[i])`; what it
 * computes for the tensor `stored`, Y, it stores as `narrow(value)`. Rounded to f16, a number past ±65504 becomes that: WGSL
 * has no infinity to tell it by, and so that the largest f16 tells it (overflow.ts).
 *
 * @throws OutriderError DTYPE_MISMATCH for another dtype; UNSUPPORTED for f16 where the device has no `shader-f16`
 */
export function elementTypes(
  operation: string,
  { capabilities }: Device,
  tensors: Readonly<Record<string, ElementAccess>>,
  stored?: string,
): Pick<KernelSpecialization, 'types' | 'prelude'> {
  const types: Record<string, string> = {}
  let half = false
  for (const [name, [{ dtype, shape }, width]] of Object.entries(tensors)) {
    const names = elementNames[dtype]
    if (!names)
      throw new OutriderError('DTYPE_MISMATCH', `${operation}: a tensor [${shape.join(', ')}] is ${dtype}.`, {
        remedy: "cast(x, 'f32') first; models are trained after loading them as f32.",
      })
    if (dtype === 'f16') {
      if (!capabilities.shaderF16) throw withoutHalves(operation)
      half = true
    }
    types[name] = names[width]
  }
  const [target, width] = stored === undefined ? [] : tensors[stored]!
  return { types, prelude: preludeOf(half, stored, target?.dtype, width) }
}

const elementNames: Partial<Record<DType, Record<1 | 4, string>>> = {
  f32: { 1: 'f32', 4: 'vec4f' },
  f16: { 1: 'f16', 4: 'vec4<f16>' },
}

/** The error of a device that cannot compute with f16 tensors. */
export const withoutHalves = (operation: string): OutriderError =>
  new OutriderError('UNSUPPORTED', `${operation}: f16 tensors need an adapter with shader-f16, which this one lacks.`, {
    remedy: "cast(x, 'f32') first.",
  })

const preludes = new Map<string, string>()

/** One string each, as a kernel's specialisation goes by it. */
function preludeOf(half: boolean, stored = '', dtype?: DType, width: 1 | 4 = 1): string {
  const key = `${half}${stored}${dtype}${width}`
  let prelude = preludes.get(key)
  if (prelude === undefined) {
    const value = elementNames.f32![width]
    const held = dtype === 'f16' ? `clamp(value, ${value}(-65504.0), ${value}(65504.0))` : 'value'
    prelude = [
      half ? 'enable f16;' : '',
      stored ? `fn narrow(value: ${value}) -> ${stored} { return ${stored}(${held}); }` : '',
    ].join('\n')
    preludes.set(key, prelude)
  }
  return prelude
}
