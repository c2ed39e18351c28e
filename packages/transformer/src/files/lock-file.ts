import { OutriderError } from '@outrider/tensor'
import { makeFolders } from './make-folders'
import { nodeModule } from './node-module'

/** Something on disk that belongs to this process until it is let go of. */
export interface Lock {
  /** Removes the lock, and the folders that were made for it where nothing came into them. */
  release(): void
}

/** Who holds a lock: what its file says. */
interface Holder {
  pid: number
  host: string
  /** When the process began, where the system tells: a process that came later may have the same number. */
  began?: string | undefined
  /** Tells this lock from every other. */
  token: string
}

const heartbeatMilliseconds = 10_000

export interface LockPatience {
  /** A holder on another machine that has not been heard of for so long is gone. Default 120,000. */
  silenceMilliseconds?: number
  /** So long a holder may take from making its file to writing into it. Default 10,000. */
  unwrittenMilliseconds?: number
}

/**
 * Takes a lock file, made in one step (`O_EXCL`), so that of two processes one has it, on a network's file system too. One whose
 * holder is gone is taken over: its process has ended, or on another machine has said nothing for two minutes. For Node.
 *
 * @param file  its path; folders are made
 * @param what  what it locks, for the error
 * @throws OutriderError LOCKED, with the holder's `pid` and `host` in its details; the file system's error where it cannot be
 *   written
 */
export async function takeLock(file: string, what: string, patience: LockPatience = {}): Promise<Lock> {
  const { utimes } = nodeModule('node:fs/promises')
  const { rmSync } = nodeModule('node:fs')
  const { dirname } = nodeModule('node:path')
  const made = await makeFolders(dirname(file))
  const own: Holder = {
    pid: process.pid,
    host: nodeModule('node:os').hostname(),
    began: beginOf(process.pid),
    token: crypto.randomUUID(),
  }
  const removeFolders = () => made !== undefined && removeEmpty(dirname(file), made)
  try {
    await take(file, own, what, patience)
  } catch (error) {
    removeFolders()
    throw error
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    void utimes(file, now, now).catch(() => undefined)
  }, heartbeatMilliseconds).unref()
  const release = () => {
    if (!held.has(release)) return
    clearInterval(heartbeat)
    held.delete(release)
    if (held.size === 0) process.off('exit', releaseAll)
    if (holderOf(textOf(file))?.token === own.token) rmSync(file, { force: true })
    removeFolders()
  }
  if (held.size === 0) process.on('exit', releaseAll)
  held.add(release)
  return { release }
}

/** Let go of where the process ends at once, as by a second Ctrl-C. */
const held = new Set<() => void>()
const releaseAll = () => {
  for (const release of held) release()
}

async function take(file: string, own: Holder, what: string, patience: LockPatience): Promise<void> {
  const { lstat, writeFile } = nodeModule('node:fs/promises')
  const content = `${JSON.stringify(own)}\n`
  for (let attempts = 0; attempts < 5; attempts++) {
    try {
      await writeFile(file, content, { flag: 'wx' })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const found = textOf(file)
    if (found === undefined) {
      const there = await lstat(file).catch(() => undefined)
      if (!there || there.isFile()) continue // let go of since
      throw new OutriderError('FILE_WRITE', `${file} is to be a lock, and is no file.`, { remedy: 'Remove it.' })
    }
    if (!(await isGone(file, found, own, patience))) throw locked(holderOf(found), what)
    await takeAway(file, found)
  }
  throw locked(holderOf(textOf(file)), what)
}

/** Moves a lock aside that was seen to be left behind; what took its place since is put back. */
async function takeAway(file: string, seen: string): Promise<void> {
  const { readFile, rename, rm } = nodeModule('node:fs/promises')
  const aside = `${file}.${crypto.randomUUID()}`
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readFile(aside, 'utf8')) === seen) return rm(aside, { force: true })
  await rename(aside, file)
}

async function isGone(
  file: string,
  text: string,
  own: Holder,
  { silenceMilliseconds = 120_000, unwrittenMilliseconds = 10_000 }: LockPatience,
): Promise<boolean> {
  const holder = holderOf(text)
  if (holder?.host === own.host) return !isAlive(holder)
  const silent = await silence(file)
  return silent !== undefined && silent > (holder ? silenceMilliseconds : unwrittenMilliseconds)
}

/** Milliseconds since the last sign of life, by the clock of the file system, which is nobody's own. */
async function silence(file: string): Promise<number | undefined> {
  const { rm, stat, writeFile } = nodeModule('node:fs/promises')
  const probe = `${file}.${crypto.randomUUID()}`
  try {
    await writeFile(probe, '', { flag: 'wx' })
    const [now, last] = await Promise.all([stat(probe), stat(file)])
    return now.mtimeMs - last.mtimeMs
  } catch {
    return undefined
  } finally {
    await rm(probe, { force: true })
  }
}

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // somebody else's, and there
  }
  const now = beginOf(pid)
  return began === undefined || now === undefined || began === now
}

/** When a process began, in the system's own unit, where /proc tells. */
function beginOf(pid: number): string | undefined {
  const text = textOf(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

function textOf(file: string): string | undefined {
  try {
    return nodeModule('node:fs').readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function holderOf(text: string | undefined): Holder | undefined {
  try {
    const holder = JSON.parse(text ?? '') as Holder
    return Number.isInteger(holder.pid) && typeof holder.host === 'string' ? holder : undefined
  } catch {
    return undefined
  }
}

/** Removes a folder, and those above it up to `last`, where they are empty. */
function removeEmpty(folder: string, last: string): void {
  const { dirname, join } = nodeModule('node:path')
  try {
    for (let at = folder; ; at = join(at, '..')) {
      nodeModule('node:fs').rmdirSync(at)
      if (at === last || at === dirname(at)) return
    }
  } catch {
    // something is in it
  }
}

const locked = (holder: Holder | undefined, what: string) =>
  new OutriderError(
    'LOCKED',
    `${what} is being written by ${holder ? `process ${holder.pid} on ${holder.host}` : 'another process'}.`,
    {
      remedy: 'Wait until it has ended, or write elsewhere.',
      details: holder && { pid: holder.pid, host: holder.host },
    },
  )
