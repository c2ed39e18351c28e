import { nodeModule } from '../files/node-directory'
import { sleep } from './requests'

const beatMilliseconds = 2000

/**
 * Does something while no other process does it under the same lock: the others wait. A lock is a file, which its holder
 * touches every other second; one that is not touched any more, or whose process is gone from this machine, is taken over. What
 * is done must bear the rare case of two at a time.
 *
 * @param abandonedMilliseconds  for how long a lock is not touched before it is taken over
 */
export async function withLock<T>(
  file: string,
  { signal, abandonedMilliseconds = 15_000 }: { signal: AbortSignal | undefined; abandonedMilliseconds?: number },
  work: () => Promise<T>,
): Promise<T> {
  const fs = nodeModule('node:fs/promises')
  // Clocks of machines that share a disk differ: what counts is how long it stays the same here.
  let seen: { touched: number; since: number } | undefined
  while (!(await take(file))) {
    signal?.throwIfAborted()
    const touched = await fs.lstat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    )
    if (seen?.touched !== touched) seen = { touched, since: performance.now() }
    const abandoned = performance.now() - seen.since > abandonedMilliseconds || (await isGone(file))
    if (abandoned) await fs.rm(file, { force: true })
    else await sleep(100, signal)
  }
  const beat = setInterval(() => {
    const now = new Date()
    fs.utimes(file, now, now).catch(() => undefined)
  }, beatMilliseconds)
  beat.unref()
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await fs.rm(file, { force: true }).catch(() => undefined)
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await nodeModule('node:fs/promises').writeFile(file, holder(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

const holder = (pid: number) => `${pid} ${nodeModule('node:os').hostname()}`

/** Whether the holder was a process of this machine that is no more. */
async function isGone(file: string): Promise<boolean> {
  const text = await nodeModule('node:fs/promises')
    .readFile(file, 'utf8')
    .catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0) || text !== holder(pid)) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
