import { type Capabilities, hasOneSubgroupSize, isOnCpu, type Subgroups } from '../../device/capabilities'

/**
 * The generations of attention kernels, by name. `shared` runs everywhere, and lanes meet in workgroup memory; `decoding` is
 * for a few rows on a GPU, and has no gradient; `wide` has the bits of `subgroups`, whose gradients are its own, and loads keys
 * and values less often. `flash` is for many rows on a GPU, by tiles of keys in workgroup memory; so are its gradients,
 * but where a tile of f32 is too large: then they are those of `shared`.
 */
export type AttentionKernelName = 'shared' | 'subgroups' | 'wide' | 'decoding' | 'flash'

/**
 * Which kernel attends: a matter of the head, of what the cache holds and of the device alone, so that a row's bits are the same in
 * any batch. On a GPU it is `flash`, where its workgroup memory holds the tiles. `subgroups` is for a CPU's vectors, where a
 * barrier costs more than the work between two of them, and `wide` for those of eight lanes: a vector that they load costs them
 * eight loads, products one (lavapipe); with four lanes there are more sums than registers, and it is a quarter slower
 * (SwiftShader).
 */
export function selectAttention(
  { headDim, half }: FlashHead,
  capabilities: Subgroups & WorkgroupLimits,
): Exclude<AttentionKernelName, 'decoding'> {
  if (!isOnCpu(capabilities)) return flashShape({ headDim, half }, capabilities) ? 'flash' : 'shared'
  if (!takesSubgroups(headDim, capabilities)) return 'shared'
  return capabilities.subgroupMinSize >= 8 ? 'wide' : 'subgroups'
}

/** Whether the kernels `subgroups` and `wide` can: subgroups of one size, of four at least, and sums that registers hold. */
export const takesSubgroups = (headDim: number, capabilities: Subgroups): boolean => {
  const { subgroupMinSize: lanes } = capabilities
  return hasOneSubgroupSize(capabilities) && lanes >= 4 && headDim / 4 / lanes <= 4
}

/**
 * How many groups of four queries a block of the kernel `wide` has, for so many queries of a key head: no more than registers
 * hold the sums of, and no more than they fill, in as few blocks as there can be.
 */
export function selectGroups(queries: number, headDim: number, { subgroupMinSize: lanes }: Subgroups): number {
  const sums = Math.ceil(headDim / 4 / lanes)
  const possible = groupCounts.filter((groups) => groups === 1 || groups * sums <= mostSums)
  const blocks = Math.ceil(queries / (4 * possible.at(-1)!))
  return possible.find((groups) => 4 * groups * blocks >= queries)!
}

/** Each is a kernel of its own, to be compiled. */
const groupCounts = [1, 2, 4, 6]
const mostSums = 12

/** Queries of a workgroup of `flash`. */
export const flashQueries = 64

/** What of a head, and of what its cache holds, a tile of `flash` depends on. */
export interface FlashHead {
  readonly headDim: number
  /** Whether keys and values are f16. */
  readonly half: boolean
}

/** A tile of `flash`. */
export interface FlashShape {
  /** Lanes that share four queries; a workgroup has sixteen times as many. */
  readonly across: 8 | 16
  /** Keys of a tile: a power of two, and no less than the lanes across. */
  readonly keys: number
  /** Keys and values are halves in workgroup memory, too. */
  readonly half: boolean
}

/** The tile of `flash`: as many keys, up to 64, as workgroup memory holds beside the scores; undefined where it is too small. */
export function flashShape(
  { headDim, half }: FlashHead,
  { maxWorkgroupBytes = 16_384 }: WorkgroupLimits,
): FlashShape | undefined {
  const vectors = headDim / 4
  const across = vectors > 8 ? 16 : 8
  const bytes = (keys: number) => keys * (vectors * (half ? 8 : 16) + 4 * flashQueries)
  const keys = [64, 32, 16, 8].find((keys) => keys >= across && bytes(keys) <= maxWorkgroupBytes)
  return keys ? { across, keys, half } : undefined
}

/** What of the capabilities says whether a tile fits; by default the least that any device has. */
type WorkgroupLimits = Partial<Pick<Capabilities, 'maxWorkgroupBytes'>>

/**
 * Whether a few rows attend by the kernel `decoding`: up to 16 of them, as a verified block has the bits of plain decoding, and
 * on a GPU, where `shared` waits for memory with one subgroup a block (47 against 10 µs over 100 keys, H100).
 */
export const selectsDecoding = (rows: number, headDim: number, capabilities: Subgroups): boolean =>
  rows <= fewRows && takesDecoding(headDim) && !isOnCpu(capabilities)

/** Whether a workgroup has a lane for every vector of the head. */
export const takesDecoding = (headDim: number): boolean => headDim / 4 <= decodingLanes

export const decodingLanes = 128
const fewRows = 16

/** More keys than a cache holds; with a position added, it is still a u32. */
export const unlimited = 2 ** 30

/** Keys of a part of a long cache, by the names by which tuning keeps its choice. */
export const partLengths = { parts64: 64, parts128: 128, parts256: 256, parts512: 512, parts1024: 1024 } as const

export type AttentionPartsName = keyof typeof partLengths

export const partNames = Object.keys(partLengths) as readonly AttentionPartsName[]

/** That of devices that were not tuned. */
export const usualParts: AttentionPartsName = 'parts256'

/** Whether so many rows attend to parts of the keys: few on a GPU. A CPU has a few cores, and what is cut is added up again. */
export const takesParts = (rows: number, capabilities: Subgroups): boolean => rows <= fewRows && !isOnCpu(capabilities)

/**
 * How many keys a workgroup passes over. Few queries are few workgroups, and on a GPU most of it would be idle over a long
 * cache; so there the keys are cut into parts. Up to 16 rows are cut in one way, for a row of a verified block has the bits
 * that it has in plain decoding; more rows are workgroups enough.
 *
 * @param tuned  the parts that were found fastest for up to 16 rows
 */
export const selectSpan = (rows: number, capabilities: Subgroups, tuned: AttentionPartsName = usualParts): number =>
  takesParts(rows, capabilities) ? partLengths[tuned] : unlimited
