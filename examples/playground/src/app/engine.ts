import { signal } from '@preact/signals'
import { proxy, type Remote, wrap } from 'comlink'
import { carryFailures } from '../engine/failure'
import type { Engine, EngineState } from '../engine/index'
import { attempt } from './notices'

carryFailures()

/** The engine in its worker: `await engine.chat.stop()`. Functions given to it go through comlink's `proxy`. */
export const engine: Remote<Engine> = wrap<Engine>(
  new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
)

/** What the engine has open, kept up to date by it. */
export const engineState = signal<EngineState>({ device: undefined, target: undefined, draft: undefined })

/** Gets the device and opens the bundled model. */
export async function startEngine(): Promise<void> {
  await attempt(async () => {
    await engine.watch(
      proxy((state: EngineState) => {
        engineState.value = state
      }),
    )
    await engine.device.start()
    await engine.models.openTarget({ kind: 'bundled' })
  })
}
