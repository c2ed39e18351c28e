import { signal } from '@preact/signals'
import { type Remote, wrap } from 'comlink'
import { carryFailures, failureOf } from '../engine/failure'
import type { Engine, EngineState, Failure } from '../engine/index'

carryFailures()

const worker = new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module', name: 'engine' })

/** comlink's types know the functions of an object, and not that those of its rooms can be called as well. */
type RemoteEngine = Remote<Engine> & { [Room in keyof Engine]: Remote<Engine[Room]> }

/** The engine in its worker: `await engine.chat.stop()`. Functions given to it go through comlink's `proxy`. */
export const engine = wrap<Engine>(worker) as RemoteEngine

/** What the engine has open, kept up to date by it. */
export const engineState = signal<EngineState>({
  device: undefined,
  lost: undefined,
  target: undefined,
  draft: undefined,
})

/** Why the engine does not run: no WebGPU, say. */
export const halted = signal<Failure | undefined>(undefined)

worker.addEventListener('error', ({ message }) => {
  halted.value ??= failureOf(new Error(`The engine did not start: ${message || 'its script did not arrive'}.`))
})
