import { type Capabilities, hasOneSubgroupSize, type Subgroups } from '../../device/capabilities'
import type { MatrixUnit } from '../../device/matrix-units'
import { fitsHalves } from '../../dtype'
import type { FormatName } from '../../formats/index'
import { matricesSubgroups } from './matrices-source'
import type { LinearProblem, MatmulPlan } from './select'

/** What of the capabilities says which matrix units there are. */
export type MatrixUnits = Partial<Pick<Capabilities, 'matrixUnits'>>

/** Rows and columns of the tile of a linear layer by matrix units: one for all shapes, as a row's bits depend on it. */
export const matricesLinearSide = 64
/** Steps of k that it takes at a time. Of f16 in two parts 16 KiB hold no more. */
export const matricesLinearDepth = 16

/**
 * The plan of the kernel `matrices` of linear layers, of more than 16 rows; undefined where it cannot: it wants vectors of four along
 * k, subgroups of one size, and units of which the tile is whole. Of these, units of f32 first, which take a product once where those
 * of f16 take it twice or three times; then the largest.
 */
export function matricesLinearPlan(
  { k }: Pick<LinearProblem, 'k'>,
  capabilities: Subgroups & MatrixUnits,
): (MatmulPlan & { unit: MatrixUnit }) | undefined {
  if (k % 4 !== 0 || !hasOneSubgroupSize(capabilities)) return
  const size = ({ component, m, n, k }: MatrixUnit) => (component === 'f32' ? 2 ** 32 : 0) + m * n * k
  const [unit] = (capabilities.matrixUnits ?? []).filter(takesLinearUnit).sort((a, b) => size(b) - size(a))
  if (!unit) return
  const lanes = matricesSubgroups * capabilities.subgroupMaxSize
  return { kernel: 'matrices', rows: matricesLinearSide, columns: matricesLinearSide, lanes, unit }
}

/** Whether a tile of such units is whole, and fits into 16 KiB in as many parts as there are. */
const takesLinearUnit = (unit: MatrixUnit): boolean =>
  (matricesLinearSide / 2) % unit.m === 0 &&
  (matricesLinearSide / 2) % unit.n === 0 &&
  matricesLinearDepth % unit.k === 0 &&
  matricesLinearBytes(unit) <= 16_384

/** How many parts a number of a, and one of the weights, by default f32, have in workgroup memory. */
export function matricesLinearParts({ component }: MatrixUnit, format?: FormatName): [ofA: 1 | 2, ofB: 1 | 2] {
  if (component === 'f32') return [1, 1]
  return [2, format && fitsHalves(format) ? 1 : 2]
}

/** How many products of parts make one of x · wᵀ: all but that of two second parts. */
export function matricesLinearProducts(unit: MatrixUnit, format?: FormatName): number {
  const [ofA, ofB] = matricesLinearParts(unit, format)
  return ofA + ofB - 1
}

/** Bytes of workgroup memory that it takes: the parts of both operands, and a sum of each subgroup. */
export function matricesLinearBytes(unit: MatrixUnit, format?: FormatName): number {
  const [ofA, ofB] = matricesLinearParts(unit, format)
  const tile = matricesLinearSide * matrixStride(unit) * bytesOf(unit)
  return (ofA + ofB) * tile + 4 * matricesSubgroups * unit.m * unit.n
}

/** Numbers from a row in workgroup memory to the next: 16 bytes more than what it holds. */
export const matrixStride = (unit: MatrixUnit): number => matricesLinearDepth + 16 / bytesOf(unit)

const bytesOf = ({ component }: MatrixUnit): number => (component === 'f16' ? 2 : 4)
