import { defineKernel } from '../kernel/index'
import { embedding } from '../operations/embedding/embedding'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import differencesSource from './differences.wgsl'

/** Some places of a result, [rows, columns], in float64. */
export interface Samples {
  /** The size of such results. */
  readonly typical: number
  /** Whether a result is right at these places. */
  agree(y: Tensor): Promise<boolean>
}

/** Rows and columns of the places: the edges, and others. */
export const samplePlaces = (count: number, stream: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: 16 }, (_, i) =>
    i === 0 ? 0 : i === 1 ? count - 1 : Math.floor(count * uniform01(stream, i)),
  )

/**
 * @param at       rows of the places
 * @param columns  their columns: every row has all
 * @param wanted   what is there, by the numbers of a row and a column among them
 */
export function samplesOf(
  at: Uint32Array<ArrayBuffer>,
  columns: Uint32Array<ArrayBuffer>,
  wanted: (row: number, column: number) => number,
): Samples {
  const values = Array.from(at, (_, r) => Array.from(columns, (_, c) => wanted(r, c)))
  const all = values.flat()
  const typical = Math.sqrt(all.reduce((sum, value) => sum + value * value, 0) / all.length) || 1
  return {
    typical,
    async agree(y) {
      const n = y.shape.at(-1)!
      using rows = y.device.scope(() => embedding(y, y.device.tensor(at)))
      const found = await rows.data()
      return values.every((row, r) =>
        row.every((value, c) => {
          const difference = Math.abs(found[r * n + columns[c]!]! - value)
          return difference <= tolerance * (typical + Math.abs(value))
        }),
      )
    },
  }
}

const countDifferences = defineKernel({ name: 'differences', source: differencesSource })

/** How many elements of a result differ from another's. */
export async function differences(reference: Tensor, y: Tensor, typical: number): Promise<number> {
  const { device } = y
  using counts = device.empty([4096], 'u32')
  device.run(countDifferences, {
    bindings: { a: reference, b: y, counts },
    params: { size: y.size, absolute: tolerance * typical, relative: tolerance },
    workgroups: [64],
  })
  const all: Iterable<number> = await counts.data()
  let sum = 0
  for (const count of all) sum += count
  return sum
}

/**
 * Of typical results: f32 sums of some thousand products are off by a hundredth of this, and one product that is missing or twice
 * there is a hundred times as much.
 */
const tolerance = 1e-4
