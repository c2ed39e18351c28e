import type { Capabilities } from '../../device/capabilities'
import { type KernelSpecialization, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'

/**
 * For kernels that give a workgroup to each row and read it in vectors of four, where its columns divide into them, else
 * element by element. The kernel is written for either, against the type V, the constant WIDTH (its elements) and, beside
 * those of `rowReduction`, five functions:
 *
 * - `sumOf(v: V) -> f32`, `maxOf(v: V) -> f32`: over the elements
 * - `isAt(i: u32, place: u32) -> V`: 1 where an element of the row's vector i is number `place` of the row, else 0
 * - `elementOf(v: V, place: u32) -> f32`: the element of v that is number `place` of the row
 * - `anyNoLogit(v: V) -> bool`: whether an element is NaN or +∞, by its bits, as WGSL promises nothing of comparisons with NaN;
 *   −∞ is the logit of what is left out
 */
export function rowVectors(
  columns: number,
  width: 1 | 4,
  capabilities: Capabilities,
  elements: KernelSpecialization = {},
): KernelSpecialization {
  const lanes = rowReduction(columns / width, capabilities)
  return {
    constants: { ...lanes.constants, WIDTH: width },
    types: { V: width === 4 ? 'vec4f' : 'f32', ...elements.types },
    prelude: preludeOf(width, `${lanes.prelude ?? ''}\n${elements.prelude ?? ''}`),
  }
}

/** How many elements of a row such a kernel reads at once. */
export const rowWidth = (columns: number): 1 | 4 => (columns % 4 === 0 ? 4 : 1)

/**
 * The run of such a kernel over the rows of the last axis. `params.columns` counts vectors.
 *
 * @param elements  of tensors that may be f16: `elementTypes` with the width `rowWidth`
 */
export function runOverRowVectors(
  x: Tensor,
  constants: Record<string, boolean | number> = {},
  elements?: KernelSpecialization,
) {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  const width = rowWidth(columns)
  const specialization = rowVectors(columns, width, x.device.capabilities, elements)
  return {
    ...specialization,
    constants: { ...specialization.constants, ...constants },
    params: { rows, columns: columns / width },
    workgroups: linearWorkgroups(rows),
  }
}

const preludes = new Map<string, string>()

/** One string each, as a kernel's specialisation goes by it. */
function preludeOf(width: 1 | 4, others: string): string {
  const key = `${width}${others}`
  let prelude = preludes.get(key)
  if (!prelude) {
    prelude = `${others}\n${width === 4 ? vectors : elements}`
    preludes.set(key, prelude)
  }
  return prelude
}

const vectors = `fn sumOf(v: vec4f) -> f32 { return dot(v, vec4f(1.0)); }
fn maxOf(v: vec4f) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn isAt(i: u32, place: u32) -> vec4f { return select(vec4f(), vec4f(1.0), 4u * i + vec4u(0u, 1u, 2u, 3u) == vec4u(place)); }
fn elementOf(v: vec4f, place: u32) -> f32 { return v[place & 3u]; }
fn anyNoLogit(v: vec4f) -> bool { let bits = bitcast<vec4u>(v); return any(((bits & vec4u(0x7f800000u)) == vec4u(0x7f800000u)) & (bits != vec4u(0xff800000u))); }`

const elements = `fn sumOf(v: f32) -> f32 { return v; }
fn maxOf(v: f32) -> f32 { return v; }
fn isAt(i: u32, place: u32) -> f32 { return select(0.0, 1.0, i == place); }
fn elementOf(v: f32, place: u32) -> f32 { return v; }
fn anyNoLogit(v: f32) -> bool { let bits = bitcast<u32>(v); return (bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u; }`
