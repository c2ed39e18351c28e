import { type Device, exactFrequencies, type Tensor } from '@outrider/tensor'
import type { Rope } from '../config/index'
import { isLong, rotaryFrequencies } from '../config/rope-scaling'
import type { Layer } from './layer'

/** Rotary frequencies on a device: a table for every kind of positions that a model's layers have. */
export class RotaryTables {
  readonly #device: Device
  readonly #headDim: number
  readonly #tables = new Map<string, Tensor>()

  constructor(device: Device, layers: readonly Layer[]) {
    this.#device = device
    this.#headDim = layers[0]?.attention.headDim ?? 0
    for (const { attention } of layers) this.of(attention.rope, 0)
  }

  /**
   * Radians a position by rotary pair, exact at every position: u32 [headDim / 2, 2].
   *
   * @param rope       undefined: all 0, which turns nothing
   * @param positions  that the context has room for
   */
  of(rope: Rope | undefined, positions: number): Tensor {
    const key = rope ? `${isLong(rope, positions)}${JSON.stringify(rope)}` : ''
    let table = this.#tables.get(key)
    if (!table) {
      const frequencies = rope ? rotaryFrequencies(rope, positions) : new Float64Array(this.#headDim / 2)
      table = exactFrequencies(this.#device, frequencies).keep()
      this.#tables.set(key, table)
    }
    return table
  }

  dispose(): void {
    for (const table of this.#tables.values()) table.dispose()
    this.#tables.clear()
  }
}
