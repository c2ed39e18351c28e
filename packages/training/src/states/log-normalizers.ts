import { type Device, type Head, readAll, slice, type Tensor } from '@outrider/tensor'
import { headNormalizers } from './covered-target'
import { bytesOf, type StateFiles } from './state-files'
import { StateMemory } from './state-memory'
import type { TargetRow } from './target-rows'

/**
 * ln Σ exp of what a target says over all ids at the places of rows, f32 [places] a row: what is asked of it for ids that a draft
 * does not say. Each takes a pass of the whole head, so that they are kept as states are, in memory and in files.
 */
export class LogNormalizers {
  readonly #memory: StateMemory
  /** Those that no file has yet. */
  #unwritten: TargetRow[] = []
  readonly #isWritten: boolean

  /** @param isWritten  to files, sooner or later (`write`) */
  constructor(maxBytes: number, isWritten: boolean) {
    this.#memory = new StateMemory(maxBytes)
    this.#isWritten = isWritten
  }

  get bytes(): number {
    return this.#memory.bytes
  }

  /**
   * Of rows one after another, computed where they are not kept: as states, of a row alone, so that nothing beside it can have a say
   * in its bits.
   *
   * @param states  f32 [positions, hidden] of these rows
   * @returns f32 [positions], of the scope it is asked for in
   */
  of(head: Head, rows: readonly TargetRow[], states: Tensor): Tensor {
    const { device } = states
    return device.scope(() => {
      const joined = device.empty([states.shape[0]!])
      let at = 0
      for (const row of rows) {
        const { key, places } = row
        const count = places.length
        if (this.#memory.has(key)) this.#memory.copyTo(key, joined, at)
        else {
          using ofRow = device.scope(() => headNormalizers(head, slice(states, { start: at, count })))
          if (this.#memory.add(key, ofRow) && this.#isWritten) this.#unwritten.push(row)
          device.copy(ofRow, 0, joined, at, count)
        }
        at += count
      }
      return joined
    })
  }

  /** Takes from files what they have of rows. */
  async find(files: StateFiles, rows: readonly TargetRow[], device: Device): Promise<void> {
    for (const row of rows) {
      if (this.#memory.has(row.key)) continue
      const found = await files.read(nameOf(row))
      if (!found) continue
      using told = device.tensor(new Float32Array(found.slice().buffer))
      this.#memory.add(row.key, told)
    }
  }

  /** Gives files what was computed since. */
  async write(files: StateFiles, device: Device): Promise<void> {
    const rows = this.#unwritten
    if (rows.length === 0) return
    this.#unwritten = []
    const tensors = rows.map(({ key, places }) => {
      const copy = device.empty([places.length]).keep()
      this.#memory.copyTo(key, copy, 0)
      return copy
    })
    try {
      const read = await readAll(tensors)
      for (const [i, row] of rows.entries())
        await files.add(nameOf(row), { bytes: bytesOf(read[i]!), positions: row.places.length, dtype: 'F32' })
    } finally {
      for (const tensor of tensors) tensor.dispose()
    }
  }

  dispose(): void {
    this.#memory.dispose()
    this.#unwritten = []
  }
}

const nameOf = ({ key }: TargetRow): string => `ln Σ exp;${key}`
