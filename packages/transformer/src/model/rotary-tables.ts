import { type Device, exactFrequencies, type Tensor } from '@outrider/tensor'
import type { Rope } from '../config/index'
import { isLong, rotaryFrequencies, rotaryMagnitude } from '../config/rope-scaling'
import type { Layer } from './layer'

/** What `rope` turns by. */
export interface Rotation {
  /** Exact at every position: u32 [rotaryDim / 2, 2]. */
  frequencies: Tensor
  magnitude: number
}

/** Rotary frequencies on a device: a table for every kind of positions that a model's layers have. */
export class RotaryTables {
  readonly #device: Device
  readonly #headDim: number
  readonly #tables = new Map<string, Rotation>()

  constructor(device: Device, layers: readonly Layer[]) {
    this.#device = device
    this.#headDim = layers[0]?.attention.headDim ?? 0
    for (const { attention } of layers) this.of(attention.rope, 0)
  }

  /**
   * @param rope     undefined: all 0, which turns nothing
   * @param context  positions that the sequences may have
   */
  of(rope: Rope | undefined, context: number): Rotation {
    const key = rope ? `${isLong(rope.ropeScaling, context)}${JSON.stringify(rope)}` : ''
    let table = this.#tables.get(key)
    if (!table) {
      const radians = rope ? rotaryFrequencies(rope, context) : new Float64Array(this.#headDim / 2)
      const frequencies = exactFrequencies(this.#device, radians).keep()
      table = { frequencies, magnitude: rope ? rotaryMagnitude(rope) : 1 }
      this.#tables.set(key, table)
    }
    return table
  }

  dispose(): void {
    for (const { frequencies } of this.#tables.values()) frequencies.dispose()
    this.#tables.clear()
  }
}
