import type { KernelPart } from '../../kernel/index'
import { each } from '../each'

/**
 * How the lanes of a workgroup share the work of a block of four queries (or, for the keys' gradient, four keys): each scores
 * some places of a tile, then all add the tile's vectors up, weighted by what the lanes found. The frame (frame.ts) says what is
 * computed; an exchange says which lane scores what, and how what it found reaches the others.
 *
 * Its text stands in the frame's, whose names it uses: `lane`, `block`, the addresses `at` of the block's members, `tile`, and
 * the addresses `theirs0` … of the places that a lane scores. LANES and VECTORS (of four in a head) are the kernel's constants;
 * TILE, the places of a tile, is the exchange's. Tiles begin at multiples of TILE and lanes add up in the order of places, so
 * the bits of a row do not depend on the rows beside it.
 */
export interface Exchange {
  /** What tells its kernels' names from others. */
  readonly name: string
  /** What its text takes from elsewhere, and the constants that every run gives. */
  readonly uses: readonly KernelPart[]
  readonly constants: readonly string[]
  /** How many places of a tile a lane scores. */
  readonly scored: 1 | 4
  /** Before the entry point: TILE, and memory of the workgroup. */
  declarations(terms: readonly Term[]): string
  /** Once `at` is known: the sums begin with zero. */
  begin(terms: readonly Term[]): string
  /** The j-th place of the tile that a lane scores. */
  place(j: number): string
  /** Declares products of the places that a lane scores with the block's members: vectors `name`0 …, a component a member. */
  products(pairs: readonly Pair[]): string
  /** The largest of all lanes' vectors, by component. */
  max(value: string): string
  /** The sum of all lanes' vectors. */
  sum(value: string): string
  /** What a lane counts of the places it scores, where more than one scores a place. */
  counted(value: string): string
  /** Adds to each term's sum its factors, variables `factor`0 …, times the tile's vectors. */
  addTile(terms: readonly Term[], tile: Tile): string
  /** Writes what the sums give, for those of the block's members that are `there`. */
  store(outputs: readonly Output[], at: string): string
}

/** Σ factor · source over the places of all tiles, a sum for each of the block's members. */
export interface Term {
  sum: string
  factor: string
  /** The vector at a place. */
  source: Source
}

export interface Pair {
  name: string
  /** What is read at the places that a lane scores. */
  source: Source
  /** What is read at the block's members. */
  block: string
}

export interface Tile {
  /** The place after the last. */
  end: string
  /** Where a place's vectors are. */
  at: (place: string) => string
  /** How far on the next place's are, where that is the same for all. */
  step?: string
  /** A vector that the sums are multiplied by before, a component a member. */
  shrink?: string
}

export interface Output {
  target: string
  sum: string
  /** What is written of a member's sum. */
  value?: (sum: string, component: string) => string
}

/** WGSL that reads a vector of a binding, by its address. */
export type Source = (at: string) => string

/** Of f32. */
export const plain =
  (binding: string): Source =>
  (at) =>
    `${binding}[${at}]`

/** Of a cache, in whatever it holds. */
export const stored =
  (binding: string): Source =>
  (at) =>
    `load_${binding}(${at})`

export const components = ['x', 'y', 'z', 'w'] as const

/** The writes of one vector of each output; `sumOf` says what holds a member's. */
export const writeMembers = (
  outputs: readonly Output[],
  at: string,
  vector: string,
  sumOf: (sum: string, member: number) => string,
): string =>
  each(4, (m) => {
    const component = components[m]!
    const writes = outputs
      .map(({ target, sum, value }) => {
        const held = sumOf(sum, m)
        return `${target}[${at}.${component} + ${vector}] = ${value ? value(held, component) : held};`
      })
      .join(' ')
    return m === 0 ? writes : `if (there > ${m}u) { ${writes} }`
  })
