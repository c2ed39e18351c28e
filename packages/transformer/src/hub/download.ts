import { OutriderError } from '@outrider/tensor'
import { nodeModule } from '../files/node-module'
import { pieces } from './body'
import { ask, Passing, persist, type RequestSettings } from './requests'

/** A file of a hub: where it is, and what its bytes must be. */
export interface RemoteFile {
  url: string
  bytes: number
  /** The hash that the hub lists: SHA-256 of the contents, or the SHA-1 that git gives to them. */
  hash: { algorithm: 'sha256' | 'git-sha1'; hex: string }
}

/** Failures are forgotten after so many bytes that were not there before: fewer are no progress. */
const progressBytes = 2 ** 20

/** A file's bytes are asked for as they are: packed ones have other positions. */
export const contentHeaders = { 'accept-encoding': 'identity' }

/**
 * Downloads a file, whole and verified, or not at all. What has come so far is in `<target>.incomplete`, and is gone on with
 * after a broken connection, a killed process, a next day.
 *
 * @param onBytes  called with how many bytes are there, after every piece
 * @throws OutriderError NETWORK, FILE_MISSING, FILE_FORMAT (other bytes than the hub lists, twice), FILE_WRITE, ABORTED
 */
export async function download(
  { url, bytes, hash }: RemoteFile,
  target: string,
  settings: RequestSettings,
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const fs = nodeModule('node:fs/promises')
  const incomplete = `${target}.incomplete`
  await checkSpace(target, bytes - (await lengthOf(incomplete, bytes)))
  for (let wrong = 0; ; wrong++) {
    let counted = await lengthOf(incomplete, bytes)
    await persist(`The download of ${url}`, settings, async (progressed) => {
      const have = await lengthOf(incomplete, bytes)
      onBytes(have)
      if (have === bytes && have > 0) return
      await append(url, incomplete, { have, bytes }, settings, (position) => {
        onBytes(position)
        if (position < counted + progressBytes) return
        counted = position
        progressed()
      })
    })
    if ((await hashOf(incomplete, hash.algorithm, bytes, settings.signal)) === hash.hex) break
    await fs.rm(incomplete, { force: true })
    if (wrong > 0)
      throw new OutriderError('FILE_FORMAT', `${url}: the server sends other bytes than it lists.`, {
        remedy: 'Try again later, or another endpoint.',
      })
  }
  await fs.rename(incomplete, target)
}

/** One request for what is missing. */
async function append(
  url: string,
  file: string,
  { have, bytes }: { have: number; bytes: number },
  settings: RequestSettings,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const fs = nodeModule('node:fs/promises')
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = nodeModule('node:fs').constants
  const range: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {}
  const response = await ask(url, settings, { ...contentHeaders, ...range })
  // A server that does not know ranges sends the whole file again: over what is there, which stays where it breaks off early.
  let position = rangeStart(response, have)
  await using handle = await fs.open(file, O_RDWR | O_CREAT | O_NOFOLLOW)
  for await (const piece of pieces(response, settings)) {
    const fits = piece.subarray(0, bytes - position)
    await write(handle, fits, position, file)
    position += fits.length
    if (fits.length < piece.length) throw new Passing(`the server sent more than ${bytes} bytes`)
    onBytes(position)
  }
  if (position < bytes) throw new Passing(`the server ended after ${position} of ${bytes} bytes`)
  await handle.sync()
}

/** Where in the file an answer begins, which is at its start or at `asked`. */
export function rangeStart(response: Response, asked: number): number {
  if (response.status !== 206) return 0
  const start = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1])
  if (start === asked) return asked
  response.body?.cancel().catch(() => undefined)
  throw new Passing('the server sent another part than was asked for')
}

async function write(
  handle: import('node:fs/promises').FileHandle,
  chunk: Uint8Array,
  position: number,
  file: string,
): Promise<void> {
  try {
    for (let written = 0; written < chunk.length; )
      written += (await handle.write(chunk, written, chunk.length - written, position + written)).bytesWritten
  } catch (cause) {
    throw new OutriderError('FILE_WRITE', `${file} cannot be written: ${(cause as Error).message}.`, {
      remedy: 'Check the free space, or set HF_HOME to a folder on another disk.',
      cause,
    })
  }
}

/** How much of a file is there. What cannot be the beginning of it (too long, or a link to elsewhere) goes. */
async function lengthOf(path: string, bytes: number): Promise<number> {
  const fs = nodeModule('node:fs/promises')
  const found = await fs.lstat(path).catch(() => undefined)
  if (!found) return 0
  if (found.isFile() && found.size <= bytes) return found.size
  await fs.rm(path, { force: true })
  return 0
}

async function checkSpace(target: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await nodeModule('node:fs/promises').statfs(nodeModule('node:path').dirname(target))
  const free = bavail * bsize
  if (bytes <= free) return
  throw new OutriderError('FILE_WRITE', `${target} needs ${bytes} more bytes, and the disk has ${free} left.`, {
    remedy: 'Free some space, or set HF_HOME to a folder on another disk.',
    details: { file: target, bytes, free },
  })
}

async function hashOf(
  path: string,
  algorithm: 'sha256' | 'git-sha1',
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = nodeModule('node:crypto').createHash(algorithm === 'sha256' ? 'sha256' : 'sha1')
  if (algorithm === 'git-sha1') hash.update(`blob ${bytes}\0`)
  await using handle = await nodeModule('node:fs/promises').open(path, 'r')
  for await (const chunk of handle.createReadStream({ autoClose: false })) {
    signal?.throwIfAborted()
    hash.update(chunk as Uint8Array)
  }
  return hash.digest('hex')
}
