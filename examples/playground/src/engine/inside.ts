import type { Capabilities, DeviceCounters, MemoryUse } from '@outrider/tensor'
import type { LedgerEntry } from './ledger'
import type { Session } from './session'

/** What the device is and what it has done. */
export interface InsideState {
  adapter: string
  isSoftware: boolean
  capabilities: Capabilities
  features: string[]
  memory: MemoryUse
  counters: DeviceCounters
  stages: LedgerEntry[]
}

export function insideRoom(session: Session) {
  return {
    look(): InsideState {
      const device = session.requireDevice()
      return {
        adapter: device.adapterName,
        isSoftware: device.isSoftware,
        capabilities: device.capabilities,
        features: [...device.gpu.features].sort(),
        memory: device.memory,
        counters: device.counters,
        stages: session.ledger.entries,
      }
    },
  }
}
