import { OutriderError } from '@outrider/tensor'
import { type Directory, readJson } from '@outrider/transformer'

/** Holds the checksums of every other file of its directory. */
const checksumsFile = 'checksums.json'

/** A file's length, and the SHA-256 of each of its pieces, in hexadecimal. Of a smaller file it is that of the whole. */
interface Checksum {
  bytes: number
  sha256: string[]
}

/** So much of a file is in memory at once: the browser's SHA-256 takes a piece whole. */
const pieceBytes = 16 * 2 ** 20

/**
 * Writes `checksums.json` over all files of a directory as they are there now.
 *
 * @throws OutriderError FILE_WRITE
 */
export async function writeChecksums(directory: Directory): Promise<void> {
  const files: Record<string, Checksum> = {}
  for (const file of await filesIn(directory)) files[file] = await checksumOf(directory, file)
  await directory.write(checksumsFile, `${JSON.stringify({ piece_bytes: pieceBytes, files }, null, 2)}\n`)
}

/**
 * Compares all files of a directory with its `checksums.json`.
 *
 * @returns false where there is none, as in what older versions wrote: nothing is known then
 * @throws OutriderError FILE_FORMAT, which names the first file that has changed, or is missing
 */
export async function verifyChecksums(directory: Directory): Promise<boolean> {
  if (!(await directory.has(checksumsFile))) return false
  const { files, piece_bytes } = ((await readJson(directory, checksumsFile)) ?? {}) as {
    piece_bytes?: unknown
    files?: Record<string, Checksum>
  }
  if (typeof files !== 'object' || files === null || !(Number.isSafeInteger(piece_bytes) && Number(piece_bytes) > 0))
    throw damaged(directory, checksumsFile, 'lacks its fields')
  for (const [file, stated] of Object.entries(files)) {
    if (!(await directory.has(file))) throw damaged(directory, file, 'is missing')
    const found = await checksumOf(directory, file, Number(piece_bytes))
    if (JSON.stringify(found) !== JSON.stringify(stated)) throw damaged(directory, file, 'is not what was written')
  }
  return true
}

async function filesIn(directory: Directory): Promise<string[]> {
  return (await directory.list()).filter((file) => file !== checksumsFile && !file.startsWith('.'))
}

async function checksumOf(directory: Directory, file: string, piece = pieceBytes): Promise<Checksum> {
  const bytes = await directory.size(file)
  const sha256: string[] = []
  for (let start = 0; start < bytes; start += piece) {
    const content = await directory.read(file, { start, end: Math.min(start + piece, bytes) })
    sha256.push(await digestOf(content))
  }
  return { bytes, sha256 }
}

/** SHA-256, in hexadecimal. */
export async function digestOf(content: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const damaged = (directory: Directory, file: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${directory.name}/${file} ${what}.`, {
    remedy: 'The disk or a copy may have damaged it.',
    details: { directory: directory.name, file },
  })
