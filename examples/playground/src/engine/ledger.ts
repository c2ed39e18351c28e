import type { Device, DeviceCounters } from '@outrider/tensor'

/** What one stage of work did on the device. Stages that ran at the same time count each other's work too. */
export interface LedgerEntry {
  stage: string
  seconds: number
  moved: DeviceCounters
  /** Most bytes live at once since the stage began. */
  peakBytes: number
}

const kept = 200

/** Keeps a book of stages: device counters before and after each, the newest first. */
export class Ledger {
  readonly entries: LedgerEntry[] = []

  /** Runs `work` and writes down what it moved, also if it fails. */
  async stage<T>(stage: string, device: Device, work: () => Promise<T>): Promise<T> {
    const end = this.begin(device)
    try {
      return await work()
    } finally {
      end(stage)
    }
  }

  /** Begins a stage that is named when it ends. */
  begin(device: Device): (stage: string) => void {
    const before = device.counters
    const started = performance.now()
    device.resetPeak()
    return (stage) => {
      const moved = { ...device.counters }
      for (const name of Object.keys(moved) as (keyof DeviceCounters)[]) moved[name] -= before[name]
      const seconds = (performance.now() - started) / 1000
      this.entries.unshift({ stage, seconds, moved, peakBytes: device.memory.peakBytes })
      this.entries.length = Math.min(this.entries.length, kept)
    }
  }
}
