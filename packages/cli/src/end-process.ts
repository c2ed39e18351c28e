import { Worker } from 'node:worker_threads'

/**
 * Ends the process in the middle of its work: the device first, as a driver that still works does not survive an exit.
 *
 * @param destroy       destroys the device
 * @param milliseconds  how long that may take. A driver that computes a long pass waits for its end, and this thread with it: then
 *   another thread ends the process, by SIGKILL
 */
export function endProcess(code: number, destroy: () => void, milliseconds = 2000): never {
  new Worker(`setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${milliseconds})`, { eval: true })
  destroy()
  process.exit(code)
}
