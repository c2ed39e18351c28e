import type { DType } from '../dtype'
import { OutriderError } from '../errors'
import type { Tensor } from '../tensor'
import type { KernelPart } from './part'

/**
 * How many elements are read or written at once: a number, a vector of four, or a `Piece` of eight (formats/blocks.ts); or as
 * many as V of `rowVectors` has. 'word' is one, taken as its bits.
 */
export type VectorSize = 1 | 4 | 8 | 'row' | 'word'

/**
 * Elements of tensors that may be f32 or f16 and are f32 everywhere but in memory. For a binding x the text declares
 * `array<element_x>`, reads `load_x(i)` and writes `store_x(i, value)`, i counting what is read at once. The types follow the
 * tensors that are bound. Rounded to f16, a number past ±65504 becomes that: WGSL has no infinity to tell it by, and so the
 * largest f16 tells it (overflow.ts). f16 needs `shader-f16`.
 *
 * @param vectorSizes     by the names of bindings
 * @param options.packed  vectors of four, of u32 and i32 too, whose f16 are taken from words: nothing needs `shader-f16`
 */
export function elements(
  vectorSizes: Readonly<Record<string, VectorSize>>,
  { packed = false }: { packed?: boolean } = {},
): KernelPart {
  const names = Object.keys(vectorSizes)
  return {
    name: `elements of ${names.join(', ')}`,
    provides: names.flatMap((name) => [`element_${name}`, `load_${name}`, `store_${name}`]),
    elements: vectorSizes,
    packed,
    ...(Object.values(vectorSizes).includes(8) && { uses: [pieceType] }),
  }
}

/** Eight neighbouring elements. */
export const pieceType: KernelPart = {
  name: 'pieceType',
  provides: ['Piece'],
  text: 'struct Piece { low: vec4f, high: vec4f }',
}

/** A binding whose elements are read and written by functions. */
export interface ElementBinding {
  readonly name: string
  readonly isWritten: boolean
  readonly vectorSize: VectorSize
  readonly packed: boolean
}

/**
 * A number for the types of what is bound: what a kernel's specialisation goes by.
 *
 * @throws OutriderError DTYPE_MISMATCH for another dtype; UNSUPPORTED for f16 where the device has no `shader-f16`
 */
export function elementsKey(
  kernel: string,
  bindings: readonly ElementBinding[],
  tensors: Readonly<Record<string, Tensor>>,
  shaderF16: boolean,
): number {
  let key = 0
  for (const { name, vectorSize, packed } of bindings) {
    const place = dtypes.indexOf(tensors[name]!.dtype)
    if (packed || vectorSize === 'word' ? place < 0 || (place === 1 && !packed && !shaderF16) : place !== 0)
      assertElements(kernel, [tensors[name]!], shaderF16)
    key = 4 * key + place
  }
  return key
}

/**
 * @throws OutriderError DTYPE_MISMATCH for tensors that are not f32 or f16; UNSUPPORTED for f16 where the device has no
 *   `shader-f16`
 */
export function assertElements(operation: string, tensors: readonly Tensor[], shaderF16: boolean): void {
  for (const { dtype, shape } of tensors) {
    if (dtype !== 'f32' && dtype !== 'f16')
      throw new OutriderError('DTYPE_MISMATCH', `${operation}: a tensor [${shape.join(', ')}] is ${dtype}.`, {
        remedy: "cast(x, 'f32') first; models are trained after loading them as f32.",
      })
    if (dtype === 'f16' && !shaderF16) throw withoutHalves(operation)
  }
}

const dtypes: readonly DType[] = ['f32', 'f16', 'u32', 'i32']

/** The error of a device that cannot compute with f16 tensors. */
export const withoutHalves = (operation: string): OutriderError =>
  new OutriderError('UNSUPPORTED', `${operation}: f16 tensors need an adapter with shader-f16, which this one lacks.`, {
    remedy: "cast(x, 'f32') first.",
  })

/** WGSL of the types and functions, for tensors of the dtypes that are bound; `rowVectorSize` is the size of 'row'. */
export function elementsText(
  bindings: readonly ElementBinding[],
  tensors: Readonly<Record<string, Tensor>>,
  rowVectorSize: 1 | 4,
): string {
  const half = bindings.some(({ name, packed }) => tensors[name]!.dtype === 'f16' && !packed)
  const texts = bindings.map(({ name, isWritten, vectorSize, packed }) => {
    const { dtype } = tensors[name]!
    if (vectorSize === 'word') return `alias element_${name} = ${dtype === 'f16' ? 'f16' : 'u32'};`
    if (vectorSize === 8) return piecesText(name, dtype)
    const { type, stored, load, store } = packed
      ? packedAccess(dtype)
      : nativeAccess(dtype, vectorSize === 'row' ? rowVectorSize : vectorSize)
    return `alias element_${name} = ${stored};
fn load_${name}(i: u32) -> ${type} { let v = ${name}[i]; return ${load}; }
${isWritten ? `fn store_${name}(i: u32, v: ${type}) { ${name}[i] = ${store}; }` : ''}`
  })
  return `${half ? 'enable f16;\n' : ''}${texts.join('\n')}`
}

function nativeAccess(dtype: DType, vectorSize: 1 | 4) {
  const type = vectorSize === 4 ? 'vec4f' : 'f32'
  if (dtype === 'f32') return { type, stored: type, load: 'v', store: 'v' }
  const stored = vectorSize === 4 ? 'vec4<f16>' : 'f16'
  return { type, stored, load: `${type}(v)`, store: `${stored}(clamp(v, ${type}(-65504.0), ${type}(65504.0)))` }
}

function packedAccess(dtype: DType) {
  const type = 'vec4f'
  if (dtype === 'f32') return { type, stored: type, load: 'v', store: 'v' }
  if (dtype !== 'f16') {
    const stored = dtype === 'u32' ? 'vec4u' : 'vec4i'
    return { type, stored, load: 'vec4f(v)', store: `${stored}(v)` }
  }
  // pack2x16float of what f16 cannot hold would be indeterminate.
  const pack = (part: string) => `pack2x16float(clamp(v.${part}, vec2f(-65504.0), vec2f(65504.0)))`
  return {
    type,
    stored: 'vec2u',
    load: 'vec4f(unpack2x16float(v.x), unpack2x16float(v.y))',
    store: `vec2u(${pack('xy')}, ${pack('zw')})`,
  }
}

const piecesText = (name: string, dtype: DType) => {
  const { stored } = nativeAccess(dtype, 4)
  return `alias element_${name} = ${stored};
fn load_${name}(i: u32) -> Piece { return Piece(vec4f(${name}[2u * i]), vec4f(${name}[2u * i + 1u])); }`
}
