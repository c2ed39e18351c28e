import { OutriderError } from '@outrider/tensor'
import { nodeModule } from '../files/node-directory'
import { ask, Passing, persist, type RequestSettings, reasonOf, stallMilliseconds } from './requests'

/** A file of a hub: where it is, and what its bytes must be. */
export interface RemoteFile {
  url: string
  bytes: number
  /** The hash that the hub lists: SHA-256 of the contents, or the SHA-1 that git gives to them. */
  hash: { algorithm: 'sha256' | 'git-sha1'; hex: string }
}

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
  const { dirname } = nodeModule('node:path')
  const incomplete = `${target}.incomplete`
  await fs.mkdir(dirname(target), { recursive: true })
  for (let wrong = 0; ; wrong++) {
    await persist(`The download of ${url}`, settings, async (progressed) => {
      let have = await sizeOf(incomplete)
      if (have > bytes) {
        await fs.rm(incomplete)
        have = 0
      }
      onBytes(have)
      if (have < bytes || have === 0) await append(url, incomplete, { have, bytes }, settings, onBytes, progressed)
    })
    if ((await hashOf(incomplete, hash.algorithm, bytes)) === hash.hex) break
    await fs.rm(incomplete)
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
  progressed: () => void,
): Promise<void> {
  const fs = nodeModule('node:fs/promises')
  const stalled = new AbortController()
  const signal = settings.signal ? AbortSignal.any([settings.signal, stalled.signal]) : stalled.signal
  const response = await ask(url, { ...settings, signal }, have > 0 ? { range: `bytes=${have}-` } : {})
  const isPart = response.status === 206
  if (isPart && rangeStart(response) !== have) throw new Passing('the server sent another part than was asked for')
  // A server that does not know ranges sends the whole file again.
  let position = isPart ? have : 0
  await using handle = await fs.open(file, position > 0 ? 'r+' : 'w')
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(() => stalled.abort(), stallMilliseconds)
  }
  wait()
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      wait()
      if (position + chunk.length > bytes) throw new Passing(`the server sent more than ${bytes} bytes`)
      await write(handle, chunk, position, file)
      position += chunk.length
      onBytes(position)
      progressed()
    }
  } catch (error) {
    if (error instanceof OutriderError || error instanceof Passing) throw error
    throw new Passing(stalled.signal.aborted ? 'nothing came any more' : `the connection broke (${reasonOf(error)})`, {
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
  if (position < bytes) throw new Passing(`the server ended after ${position} of ${bytes} bytes`)
  await handle.sync()
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

const rangeStart = (response: Response) => Number(/bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1])

const sizeOf = (path: string): Promise<number> =>
  nodeModule('node:fs/promises')
    .stat(path)
    .then(
      ({ size }) => size,
      () => 0,
    )

async function hashOf(path: string, algorithm: 'sha256' | 'git-sha1', bytes: number): Promise<string> {
  const hash = nodeModule('node:crypto').createHash(algorithm === 'sha256' ? 'sha256' : 'sha1')
  if (algorithm === 'git-sha1') hash.update(`blob ${bytes}\0`)
  await using handle = await nodeModule('node:fs/promises').open(path, 'r')
  for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
