import { OutriderError } from '@outrider/tensor'
import { type Lock, type LockPatience, takeLock } from '../files/lock-file'
import { sleep } from './requests'

/**
 * Does something while no other process does it under the same lock: the others wait.
 *
 * @throws what the signal was aborted with, while it waits; what `work` throws
 */
export async function withLock<T>(
  file: string,
  { signal, ...patience }: LockPatience & { signal: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  let lock: Lock | undefined
  while (!lock) {
    signal?.throwIfAborted()
    lock = await takeLock(file, file, patience).catch((error: unknown) => {
      if (error instanceof OutriderError && error.code === 'LOCKED') return undefined
      throw error
    })
    if (!lock) await sleep(100, signal)
  }
  try {
    return await work()
  } finally {
    lock.release()
  }
}
