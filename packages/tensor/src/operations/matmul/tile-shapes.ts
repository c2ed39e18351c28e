import type { Capabilities } from '../../device/capabilities'

/** A tile of a product that a workgroup of 16 × 16 invocations computes in workgroup memory. */
export interface TileShape {
  /** Rows and columns of the result; an invocation has a sixteenth of either. */
  readonly rows: number
  readonly columns: number
  /** With two, the operands of the next steps of k are put down while these are multiplied: one barrier less for all of them. */
  readonly buffers: 1 | 2
}

/**
 * The tiles, by the names by which they are forced and kept. In all of them an element of a product is the sum over k in order by
 * `fma`, so that they agree to the bit and the number of rows can choose among them.
 */
export const tileShapes = {
  tiled32x64: { rows: 32, columns: 64, buffers: 1 },
  tiled64x64: { rows: 64, columns: 64, buffers: 1 },
  tiled64x64x2: { rows: 64, columns: 64, buffers: 2 },
  tiled128x64: { rows: 128, columns: 64, buffers: 1 },
  tiled128x64x2: { rows: 128, columns: 64, buffers: 2 },
  tiled128x128: { rows: 128, columns: 128, buffers: 1 },
  tiled128x128x2: { rows: 128, columns: 128, buffers: 2 },
} as const satisfies Readonly<Record<string, TileShape>>

export type TileName = keyof typeof tileShapes

export const tileNames = Object.keys(tileShapes) as readonly TileName[]

export const isTileName = (name: string): name is TileName => Object.hasOwn(tileShapes, name)

/** Invocations of a workgroup of either side. */
export const tileSide = 16

/** Invocations of a workgroup. */
export const tileLanes = tileSide * tileSide

/**
 * Steps of k that a tile of `matmul` takes at a time: as many as 16 KiB hold of both operands, and as blocks of 4 × 4 are no more
 * than the invocations.
 */
export const matmulDepth = ({ rows, columns, buffers }: TileShape): number => {
  const most = Math.min(4096 / buffers, 16 * tileLanes) / (rows + columns)
  return 2 ** Math.floor(Math.log2(most))
}

/** The same of `linear`: one number for all tiles, as the squares of a normalised row are added up by it. */
export const linearDepth = 16

/** Bytes of workgroup memory that a tile takes. */
export const tileBytes = ({ rows, columns, buffers }: TileShape, depth: number): number =>
  4 * buffers * depth * (rows + columns)

/** What of the capabilities says whether a tile fits; by default the least that any device has. */
export type WorkgroupLimits = Partial<Pick<Capabilities, 'maxWorkgroupBytes'>>

/** Whether a device has the workgroup memory for a tile of `linear`. Those of `matmul` fit everywhere. */
export const holdsLinearTile = (name: TileName, { maxWorkgroupBytes = 16_384 }: WorkgroupLimits): boolean =>
  maxWorkgroupBytes >= tileBytes(tileShapes[name], linearDepth)
