import { endProcess } from './end-process'
import { exitCode } from './exit-code'

/** The first Ctrl-C asks the work to stop where it can be taken up again; the second ends the process. */
export interface Interruption {
  readonly signal: AbortSignal
  /** Stops listening. */
  release(): void
}

/** @param onSecond  called before the process ends: what cannot live through an exit in the middle of its work ends here */
export function interruption(
  onFirst: () => void,
  onSecond: () => void,
  target: NodeJS.EventEmitter = process,
): Interruption {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) endProcess(exitCode.interrupted, onSecond)
    controller.abort()
    onFirst()
  }
  target.on('SIGINT', onSignal)
  target.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    release() {
      target.off('SIGINT', onSignal)
      target.off('SIGTERM', onSignal)
    },
  }
}
