import type { MatrixUnit } from '@outrider/tensor/internal'

/** What a GPU can do at most, and what its cores hold. By the makers' data sheets. */
export interface Gpu {
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
  /** The most workgroups that a core holds, where the maker says so. */
  workgroups?: number
  /** Its matrix units with sums of f32, and what they do a second, a product and its sum as two. */
  matrixUnits: readonly MatrixUnit[]
  matrixOperations: number
  /** Smallest and largest subgroup. */
  subgroupMinSize: number
  subgroupMaxSize: number
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
    matrixUnits: [{ component: 'f32', m: 8, n: 8, k: 8, layout: 'template' }],
    matrixOperations: 3.5e12,
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
  },
  {
    name: 'GeForce RTX 4060',
    operations: 15.1e12,
    bandwidth: 272e9,
    cores: 24,
    workgroupBytes: 100 * kib,
    registers: 64 * kib,
    invocations: 1536,
    workgroups: 24,
    matrixUnits: [{ component: 'f16', m: 16, n: 16, k: 16, layout: 'template' }],
    matrixOperations: 30.2e12,
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
  },
  {
    name: 'Arc A750',
    operations: 17.2e12,
    bandwidth: 512e9,
    cores: 28,
    workgroupBytes: 128 * kib,
    registers: 128 * kib,
    invocations: 2048,
    matrixUnits: [{ component: 'f16', m: 8, n: 16, k: 16, layout: 'template' }],
    matrixOperations: 114.7e12,
    subgroupMinSize: 16,
    subgroupMaxSize: 32,
  },
]

/** What a kernel costs for a shape, whatever the GPU. */
export interface KernelCost {
  kernel: string
  workgroups: number
  /** Invocations of a workgroup. */
  lanes: number
  /** With what is computed past edges and again. */
  operations: number
  /** Whether matrix units do them. */
  onMatrixUnits?: boolean
  /** Those that the result takes. */
  leastOperations: number
  /** From memory or a cache, and into memory. */
  bytes: number
  /** From and into memory at the least: everything once. */
  leastBytes: number
  /** Bytes of workgroup memory that a workgroup takes. */
  workgroupBytes: number
  /** Of an invocation: a guess, for compilers tell nobody. */
  registers: number
  /** Bytes that an invocation has on their way at a time. */
  onTheWay: number
}

/**
 * How long a GPU takes at least, by the roofs of its arithmetic and its memory, and what keeps it from them: cores without a
 * workgroup, cores that hold too few invocations to hide what they wait for, and too little on its way: from memory what is
 * read at all, from caches, which answer sooner, what is read again. It leaves out how much a cache moves at most, what reading workgroup
 * memory and unpacking weights take of a core's time, and starting a kernel, so its share of the roof is one from above.
 */
export function expected(gpu: Gpu, cost: KernelCost) {
  const held = Math.floor(
    Math.min(
      cost.workgroupBytes > 0 ? gpu.workgroupBytes / cost.workgroupBytes : Infinity,
      gpu.registers / (cost.registers * cost.lanes),
      gpu.invocations / cost.lanes,
      gpu.workgroups ?? Infinity,
    ),
  )
  const perCore = Math.max(1, held)
  const resident = Math.min(perCore, Math.ceil(cost.workgroups / gpu.cores))
  const rounds = Math.ceil(cost.workgroups / (gpu.cores * resident))
  const busy = cost.workgroups / (rounds * gpu.cores * resident)
  const hidden = Math.min(1, (resident * cost.lanes) / invocationsToHide)
  const flying = Math.min(cost.workgroups, gpu.cores * perCore) * cost.lanes * cost.onTheWay
  const memory = cost.leastBytes / Math.min(gpu.bandwidth, flying / latency)
  const caches = cost.bytes / (flying / cacheLatency)
  const operations = cost.onMatrixUnits ? gpu.matrixOperations : gpu.operations
  const roof = Math.max(cost.leastOperations / operations, cost.leastBytes / gpu.bandwidth)
  const seconds = Math.max(cost.operations / operations / (busy * hidden), memory, caches)
  return {
    perCore: held,
    occupancy: (perCore * cost.lanes) / gpu.invocations,
    milliseconds: 1000 * seconds,
    ofRoof: roof / seconds,
  }
}

/** So many invocations of a core have something to do while others wait for workgroup memory. */
const invocationsToHide = 512
/** Seconds from asking memory, or a cache of all cores, to having it: about as these GPUs have it. */
const latency = 6e-7
const cacheLatency = 2.5e-7
