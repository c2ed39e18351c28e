import { proxy } from 'comlink'
import { failureOf } from '../engine/failure'
import type { EngineState } from '../engine/index'
import { engine, engineState, halted } from './engine'
import { openBundled, reopen } from './open-models'

/** Gets the device and opens the bundled models. */
export async function startEngine(): Promise<void> {
  await engine.watch(
    proxy((state: EngineState) => {
      engineState.value = state
    }),
  )
  await start(openBundled)
}

/** After the device was lost, or was not there: gets one, and opens what was open. */
export const restartEngine = (): Promise<void> => start(reopen)

async function start(open: () => Promise<void>): Promise<void> {
  halted.value = undefined
  try {
    await engine.device.start()
  } catch (error) {
    halted.value = failureOf(error)
    return
  }
  await open()
}
