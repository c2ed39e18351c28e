import { linearDepth, matmulDepth, type TileName, tileBytes, tileLanes, tileShapes } from '@outrider/tensor/internal'
import type { Row } from './suite'

/** What a GPU can do at most, and what its cores hold. By the makers' data sheets. */
interface Gpu {
  name: string
  /** f32 operations a second, a product and its sum as two. */
  operations: number
  /** Bytes a second from memory. */
  bandwidth: number
  cores: number
  /** Of a core: bytes of workgroup memory, 32-bit registers, invocations. */
  workgroupBytes: number
  registers: number
  invocations: number
}

const kib = 1024

export const gpus: readonly Gpu[] = [
  {
    name: 'Apple M3, 10 cores',
    operations: 3.5e12,
    bandwidth: 100e9,
    cores: 10,
    workgroupBytes: 32 * kib,
    registers: 52 * kib,
    invocations: 1024,
  },
  {
    name: 'GeForce RTX 4060',
    operations: 15.1e12,
    bandwidth: 272e9,
    cores: 24,
    workgroupBytes: 100 * kib,
    registers: 64 * kib,
    invocations: 1536,
  },
  {
    name: 'Arc A750',
    operations: 17.2e12,
    bandwidth: 512e9,
    cores: 28,
    workgroupBytes: 128 * kib,
    registers: 128 * kib,
    invocations: 2048,
  },
]

export interface Product {
  m: number
  n: number
  k: number
  /** Bytes of an element of the weights: 4, 2, 34 / 32 of q8_0, 18 / 32 of q4_0. */
  weightBytes: number
}

/** What a tile costs for x · wᵀ, whatever the GPU. */
export function tileCost(name: TileName, { m, n, k, weightBytes }: Product, kind: 'linear' | 'matmul' = 'linear') {
  const shape = tileShapes[name]
  const { rows, columns } = shape
  const depth = kind === 'linear' ? linearDepth : matmulDepth(shape)
  const [down, across] = [Math.ceil(m / rows), Math.ceil(n / columns)]
  const elements = (rows * columns) / tileLanes
  return {
    workgroups: down * across,
    /** With what is computed past the edges. */
    operations: 2 * down * rows * across * columns * k,
    /** From memory or a cache: every tile loads its rows and its columns. */
    bytes: down * across * k * (4 * rows + weightBytes * columns) + 4 * m * n,
    /** From memory at the least: everything once. */
    leastBytes: 4 * m * k + weightBytes * n * k + 4 * m * n,
    workgroupBytes: tileBytes(shape, depth),
    /** Sums, the operands of a step, what is on its way, and places: a guess, for compilers tell nobody. */
    registers: elements + (rows + columns) / 4 + (depth * (rows + columns)) / tileLanes + 24,
  }
}

/**
 * How long a GPU takes at least, by the roofs of its arithmetic and its memory, and what keeps it from them: cores without a
 * workgroup, and cores that hold too few invocations to hide what they wait for. It leaves out what reading workgroup memory and
 * unpacking weights take of a core's time, so its share of the roof is one from above: no GPU has been measured beside it.
 */
export function expected(gpu: Gpu, name: TileName, product: Product) {
  const cost = tileCost(name, product)
  const perCore = Math.floor(
    Math.min(
      gpu.workgroupBytes / cost.workgroupBytes,
      gpu.registers / (cost.registers * tileLanes),
      gpu.invocations / tileLanes,
    ),
  )
  const rounds = Math.ceil(cost.workgroups / (gpu.cores * Math.max(1, perCore)))
  const busy = cost.workgroups / (rounds * gpu.cores * Math.max(1, perCore))
  const hidden = Math.min(1, (perCore * tileLanes) / invocationsToHide)
  const roof = Math.max((2 * product.m * product.n * product.k) / gpu.operations, cost.leastBytes / gpu.bandwidth)
  const seconds = Math.max(cost.operations / gpu.operations / (busy * hidden || 1), cost.leastBytes / gpu.bandwidth)
  return {
    perCore,
    occupancy: (perCore * tileLanes) / gpu.invocations,
    milliseconds: 1000 * seconds,
    ofRoof: roof / seconds,
  }
}

/** So many invocations of a core have something to do while others wait for workgroup memory. */
const invocationsToHide = 512

/** The shapes of a 1.1 B Llama's MLP over a prompt and over a batch, and those of SmolLM2-135M. */
const products: readonly (Product & { weights: string })[] = [32, 512, 2048].flatMap((m) =>
  [
    { n: 5632, k: 2048, weights: 'f16', weightBytes: 2 },
    { n: 5632, k: 2048, weights: 'q4_0', weightBytes: 18 / 32 },
    { n: 1536, k: 576, weights: 'f16', weightBytes: 2 },
  ].map((shape) => ({ m, ...shape })),
)

/** A row for each shape and tile: what it costs, and what to expect of it on each GPU. */
export function modelOfCost(): Row[] {
  const names = (Object.keys(tileShapes) as TileName[]).filter((name) => !name.startsWith('tiled128x128'))
  return products.flatMap((product) =>
    names.map((name) => {
      const cost = tileCost(name, product)
      return {
        shape: `${product.m} × ${product.n} × ${product.k} ${product.weights}`,
        tile: name,
        GFLOP: round(cost.operations / 1e9),
        'MB loaded': round(cost.bytes / 1e6),
        'MB at least': round(cost.leastBytes / 1e6),
        KiB: cost.workgroupBytes / kib,
        registers: Math.round(cost.registers),
        ...Object.fromEntries(
          gpus.map((gpu) => {
            const { milliseconds, ofRoof, perCore } = expected(gpu, name, product)
            return [gpu.name, `${round(milliseconds)} ms, ${Math.round(100 * ofRoof)} %, ${perCore} a core`]
          }),
        ),
      }
    }),
  )
}

const round = (value: number): number => Number(value.toPrecision(3))
