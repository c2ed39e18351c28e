import {
  dotPlan,
  linearDepth,
  matmulDepth,
  matricesLinearBytes,
  matricesLinearDepth,
  matricesLinearParts,
  matricesLinearPlan,
  matricesLinearProducts,
  matricesLinearSide,
  outerPlan,
  skinnyPlan,
  type TileName,
  tileBytes,
  tileLanes,
  tileShapes,
} from '@outrider/tensor/internal'
import type { Gpu, KernelCost } from './gpu'

export interface Product {
  m: number
  n: number
  k: number
  /** Bytes of an element of the weights: 4, 2, 34 / 32 of q8_0, 18 / 32 of q4_0. */
  weightBytes: number
}

/** What is the same for every kernel of x · wᵀ, by the tile of a workgroup. */
function tiled(
  { m, n, k, weightBytes }: Product,
  { rows, columns }: { rows: number; columns: number },
): Pick<KernelCost, 'workgroups' | 'operations' | 'leastOperations' | 'bytes' | 'leastBytes'> {
  const [down, across] = [Math.ceil(m / rows), Math.ceil(n / columns)]
  return {
    workgroups: down * across,
    operations: 2 * down * rows * across * columns * k,
    leastOperations: 2 * m * n * k,
    // Every tile loads its rows and its columns.
    bytes: down * across * k * (4 * rows + weightBytes * columns) + 4 * m * n,
    leastBytes: 4 * m * k + weightBytes * n * k + 4 * m * n,
  }
}

/** By tiles in workgroup memory. */
export function tileCost(name: TileName, product: Product, kind: 'linear' | 'matmul' = 'linear'): KernelCost {
  const shape = tileShapes[name]
  const { rows, columns } = shape
  const depth = kind === 'linear' ? linearDepth : matmulDepth(shape)
  const loaded = (depth * (rows + columns)) / tileLanes
  return {
    kernel: name,
    ...tiled(product, shape),
    lanes: tileLanes,
    workgroupBytes: tileBytes(shape, depth),
    // Sums, the operands of a step, what is on its way, and places.
    registers: (rows * columns) / tileLanes + (rows + columns) / 4 + loaded + 24,
    onTheWay: 4 * loaded,
  }
}

/** Linear layers of many rows by matrix units; undefined on a GPU whose units they cannot take. */
export function matricesCost(
  product: Product,
  gpu: Pick<Gpu, 'subgroupMinSize' | 'subgroupMaxSize' | 'matrixUnits'>,
): KernelCost | undefined {
  const plan = matricesLinearPlan(product, { subgroups: true, ...gpu })
  if (!plan) return undefined
  const { unit, lanes } = plan
  const format = product.weightBytes === 2 ? 'f16' : undefined
  const [ofA, ofB] = matricesLinearParts(unit, format)
  const of = tiled(product, plan)
  const side = matricesLinearSide
  const loaded = (2 * matricesLinearDepth * side) / lanes
  return {
    kernel: 'matrices',
    ...of,
    operations: matricesLinearProducts(unit, format) * of.operations,
    onMatrixUnits: true,
    lanes,
    workgroupBytes: matricesLinearBytes(unit, format),
    // Sums, the matrices of a step, and places.
    registers: (side * side + ((side / 2) * unit.k * 4 * (ofA + ofB)) / 2) / lanes + 24,
    onTheWay: Math.min(4, loaded) * 4,
  }
}

/** A few rows on a GPU with subgroups: one tile of all rows. */
export function skinnyCost(product: Product, gpu: Pick<Gpu, 'subgroupMinSize' | 'subgroupMaxSize'>): KernelCost {
  const plan = skinnyPlan({ ...product, packed: product.weightBytes !== 4 }, { subgroups: true, ...gpu })
  const { rows, columns, lanes, reach = lanes } = plan
  const piece = product.weightBytes === 4 ? 4 : 8
  const vector = columns === 3 ? 4 : columns
  return {
    kernel: 'skinny',
    ...tiled(product, plan),
    lanes,
    workgroupBytes: lanes === reach ? 0 : (4 * vector * rows * lanes) / reach,
    // Pieces of the columns, one of a row, sums, and places.
    registers: piece * (columns + 1) + rows * columns + 16,
    onTheWay: product.weightBytes * piece * columns,
  }
}

/** The same without subgroups, or before there was `skinny`: up to 8 rows a tile, whose sums meet one by one. */
export function dotCost(product: Product, lanes = 64): KernelCost {
  const plan = dotPlan(product, { subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 })
  const { rows, columns } = plan
  const piece = product.weightBytes === 4 ? 4 : 8
  return {
    kernel: 'dot',
    ...tiled(product, plan),
    lanes,
    workgroupBytes: 16 * lanes,
    registers: piece * (columns + rows) + rows * columns + 16,
    onTheWay: product.weightBytes * piece * columns,
  }
}

/** Register tiles without workgroup memory; of op(a) · b, where b runs along n. */
export function outerCost(product: Product): KernelCost {
  const plan = outerPlan(
    { ...product, transposeA: false, transposeB: false },
    { subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 },
  )
  const { rows, columns, lanes } = plan
  return {
    kernel: 'outer',
    ...tiled(product, { rows, columns: columns * lanes }),
    lanes,
    workgroupBytes: 0,
    registers: rows * columns + rows + columns + 16,
    onTheWay: product.weightBytes * columns,
  }
}
