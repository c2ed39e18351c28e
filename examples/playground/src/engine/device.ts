import { createDevice, type OutriderError } from '@outrider/tensor'
import { type Failure, failureOf } from './failure'
import type { Session } from './session'

/** The device as the page shows it. */
export interface DeviceState {
  adapter: string
  isSoftware: boolean
}

/** Finds a device, and says when it is lost. */
export function deviceRoom(session: Session) {
  let lost: Failure | undefined
  return {
    /** Gets a device, unless there is one. */
    async start(): Promise<DeviceState> {
      if (!session.device) {
        const device = await createDevice()
        lost = undefined
        session.setDevice(device)
        void device.lost.then((error: OutriderError) => {
          if (session.device !== device) return
          lost = failureOf(error)
          session.setDevice(undefined)
        })
      }
      const { adapterName, isSoftware } = session.requireDevice()
      return { adapter: adapterName, isSoftware }
    },

    /** Why the last device went away, if it did and no other has taken its place. */
    lost: (): Failure | undefined => lost,
  }
}
