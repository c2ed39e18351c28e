import type { Device, DeviceCounters } from '@outrider/tensor'

/** What one stage of work did on the device. Stages that ran at the same time count each other's work too. */
export interface LedgerEntry {
  stage: string
  seconds: number
  moved: DeviceCounters
  /** Most bytes live at once since the stage began. */
  peakBytes: number
}

const kept = 50

/** Keeps a book of stages: device counters before and after each. */
export class Ledger {
  readonly entries: LedgerEntry[] = []

  /** Runs `work` and writes down what it moved, also if it fails. */
  async stage<T>(stage: string, device: Device, work: () => Promise<T>): Promise<T> {
    const before = device.counters
    const started = performance.now()
    device.resetPeak()
    try {
      return await work()
    } finally {
      const after = device.counters
      const moved = { ...after }
      for (const name of Object.keys(after) as (keyof DeviceCounters)[]) moved[name] = after[name] - before[name]
      const seconds = (performance.now() - started) / 1000
      this.entries.unshift({ stage, seconds, moved, peakBytes: device.memory.peakBytes })
      this.entries.length = Math.min(this.entries.length, kept)
    }
  }
}
