import { createDevice, type OutriderError } from '@outrider/tensor'
import { failureOf } from './failure'
import type { Session } from './session'
import { useKept } from './tuning'

/** Finds a device, and says when it is lost. */
export function deviceRoom(session: Session) {
  return {
    /**
     * Gets a device, unless there is one, with the kernels that tuning chose for its adapter.
     *
     * @throws OutriderError NO_ADAPTER
     */
    async start(): Promise<void> {
      if (session.device) return
      const device = await createDevice()
      await useKept(device)
      session.setDevice(device)
      void device.lost.then((error: OutriderError) => {
        if (session.device === device) session.setDevice(undefined, failureOf(error))
      })
    },
  }
}
