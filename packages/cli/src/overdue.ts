import { endProcess } from './end-process'
import { exitCode } from './exit-code'

/**
 * Ends the process when what was asked to stop has not stopped in time: whatever computes, compiles or waits then. The timer
 * keeps the process from ending in the middle of a wait, too.
 *
 * @param signal        asks to stop
 * @param milliseconds  how long stopping may take, asked for when the signal comes
 * @param onOverdue     called before the process ends: what cannot live through an exit in the middle of its work ends here
 * @returns takes the watch off, when all has stopped
 */
export function endOverdue(signal: AbortSignal, milliseconds: () => number, onOverdue: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => endProcess(exitCode.interrupted, onOverdue), milliseconds())
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return () => {
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
}
