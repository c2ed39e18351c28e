import { hasOneSubgroupSize, isOnCpu, type Subgroups } from '../../device/capabilities'
import { formOf, type KernelPart, type PartForm } from '../../kernel/index'

/**
 * How the invocations of one workgroup add up (or compare) what each has of a row. Kernels that give a workgroup to a row
 * are written against four functions and the constant LANES:
 *
 * - `rowSum(value: f32, lane: u32) -> f32`, `rowMax(value: f32, lane: u32) -> f32`: over the lanes, the same in each
 * - `rowSum4`, `rowMax4`: the same for the four components of a vec4f
 *
 * The order of the sum depends on the row's length and the adapter alone, never on the number of rows: verification rows
 * and decoding rows agree to the bit.
 */
export const rowReduction: KernelPart = {
  name: 'rowReduction',
  provides: ['LANES', 'rowSum', 'rowMax', 'rowSum4', 'rowMax4'],
}

/**
 * How the lanes of a row meet on a device.
 *
 * Where the subgroup size is fixed and rows are not long, the workgroup is one subgroup and needs no barrier; else 256
 * invocations meet in workgroup memory. Subgroups narrower than any GPU's are a CPU's vectors: a workgroup runs on one core
 * there, more invocations gain nothing, and barriers cost ten times the work between them.
 *
 * @param options.steering  the results decide loops and branches with further reductions in them. WGSL asks for control flow
 *                          that it knows to be uniform, which a subgroup's result is not, so workgroup memory is used.
 */
export function rowReductionFor(
  columns: number,
  capabilities: Subgroups,
  { steering = false }: { steering?: boolean } = {},
): PartForm {
  const { subgroupMinSize } = capabilities
  const oneSubgroup = hasOneSubgroupSize(capabilities) && (isOnCpu(capabilities) || columns <= 128 * subgroupMinSize)
  if (oneSubgroup)
    return steering
      ? workgroupReduction(subgroupMinSize)
      : formOf(rowReduction, subgroupText, { LANES: subgroupMinSize })
  return workgroupReduction(columns <= 256 ? 64 : 256)
}

/** The functions where so many invocations, a power of two, meet in workgroup memory. */
export const workgroupReduction = (lanes: number): PartForm => formOf(rowReduction, workgroupText, { LANES: lanes })

const subgroupText = `enable subgroups;
fn rowSum(value: f32, lane: u32) -> f32 { return subgroupAdd(value); }
fn rowMax(value: f32, lane: u32) -> f32 { return subgroupMax(value); }
fn rowSum4(value: vec4f, lane: u32) -> vec4f { return subgroupAdd(value); }
fn rowMax4(value: vec4f, lane: u32) -> vec4f { return subgroupMax(value); }`

const workgroupText = `var<workgroup> row_lanes: array<vec4f, LANES>;
fn rowSum(value: f32, lane: u32) -> f32 { return rowSum4(vec4f(value, 0.0, 0.0, 0.0), lane).x; }
fn rowMax(value: f32, lane: u32) -> f32 { return rowMax4(vec4f(value, 0.0, 0.0, 0.0), lane).x; }
fn rowSum4(value: vec4f, lane: u32) -> vec4f {
  row_lanes[lane] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { row_lanes[lane] += row_lanes[lane + half]; }
  }
  let total = workgroupUniformLoad(&row_lanes[0]);
  workgroupBarrier();
  return total;
}
fn rowMax4(value: vec4f, lane: u32) -> vec4f {
  row_lanes[lane] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { row_lanes[lane] = max(row_lanes[lane], row_lanes[lane + half]); }
  }
  let largest = workgroupUniformLoad(&row_lanes[0]);
  workgroupBarrier();
  return largest;
}`
