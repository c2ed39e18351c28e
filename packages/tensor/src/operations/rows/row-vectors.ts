import type { Capabilities } from '../../device/capabilities'
import { formOf, type KernelPart, linearWorkgroups, type PartForm } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { rowReductionFor } from '../reduce/row-reduction'

/**
 * For kernels that give a workgroup to each row and read it in vectors of four, where its columns divide into them, else
 * element by element. The kernel is written for either, against the type V, the constant VECTOR_SIZE (its elements) and five
 * functions:
 *
 * - `sumOf(v: V) -> f32`, `maxOf(v: V) -> f32`: over the elements
 * - `isAt(i: u32, place: u32) -> V`: 1 where an element of the row's vector i is number `place` of the row, else 0
 * - `elementOf(v: V, place: u32) -> f32`: the element of v that is number `place` of the row
 * - `anyNoLogit(v: V) -> bool`: whether an element is NaN or +∞, by its bits, as WGSL promises nothing of comparisons with NaN;
 *   −∞ is the logit of what is left out
 */
export const rowVectors: KernelPart = {
  name: 'rowVectors',
  provides: ['V', 'VECTOR_SIZE', 'sumOf', 'maxOf', 'isAt', 'elementOf', 'anyNoLogit'],
  floats: ['V'],
}

/** Vectors of so many elements. */
export const vectorsOf = (vectorSize: 1 | 4): PartForm =>
  formOf(rowVectors, vectorSize === 4 ? vectorsText : elementsText, { VECTOR_SIZE: vectorSize }, vectorSize)

/** Such vectors and `rowReduction` over them, for rows of so many columns. */
export const rowVectorsFor = (columns: number, vectorSize: 1 | 4, capabilities: Capabilities): readonly PartForm[] => [
  rowReductionFor(columns / vectorSize, capabilities),
  vectorsOf(vectorSize),
]

/** The run of such a kernel over the rows of the last axis. `params.columns` counts vectors. */
export function runOverRowVectors(x: Tensor) {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  const vectorSize = columns % 4 === 0 ? 4 : 1
  return {
    forms: rowVectorsFor(columns, vectorSize, x.device.capabilities),
    params: { rows, columns: columns / vectorSize },
    workgroups: linearWorkgroups(rows),
  }
}

const vectorsText = `alias V = vec4f;
fn sumOf(v: vec4f) -> f32 { return dot(v, vec4f(1.0)); }
fn maxOf(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn isAt(i: u32, place: u32) -> vec4f { return select(vec4f(), vec4f(1.0), 4u * i + vec4u(0u, 1u, 2u, 3u) == vec4u(place)); }
fn elementOf(v: vec4f, place: u32) -> f32 { return v[place & 3u]; }
fn anyNoLogit(v: vec4f) -> bool { let bits = bitcast<vec4u>(v); return any(((bits & vec4u(0x7f800000u)) == vec4u(0x7f800000u)) & (bits != vec4u(0xff800000u))); }`

const elementsText = `alias V = f32;
fn sumOf(v: f32) -> f32 { return v; }
fn maxOf(v: f32) -> f32 { return v; }
fn isAt(i: u32, place: u32) -> f32 { return select(0.0, 1.0, i == place); }
fn elementOf(v: f32, place: u32) -> f32 { return v; }
fn anyNoLogit(v: f32) -> bool { let bits = bitcast<u32>(v); return (bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u; }`
