import { OutriderError } from '@outrider/tensor'
import {
  contentHash,
  type Directory,
  readBytes,
  readSafetensors,
  type SafetensorsEntry,
  within,
  writeSafetensors,
} from '@outrider/transformer'
import { digestOf } from '../checkpoint/checksums'

/** What the states are of: with anything else in it they are others. */
export type StatesIdentity = Readonly<Record<string, unknown>>

export interface StateFilesOptions {
  /** Most bytes in the directory, with those of other identities. */
  maxBytes: number
  /** So many of rows are written as one file. */
  fileBytes: number
  onTrouble: (message: string) => void
}

/**
 * States of rows in a directory, in a folder of their identity: safetensors files of some megabytes, each written once and whole,
 * a row a tensor that is named by the hash of the row's key, with checksums over identity, name and bytes. Nothing is used
 * that its checksum does not prove. When the directory is full, what is there stays.
 */
export class StateFiles {
  readonly #directory: Directory
  readonly #identity: string
  readonly #options: StateFilesOptions
  /** Where a row is; several times where an older place was damaged. */
  readonly #places = new Map<string, Place[]>()
  readonly #pending = new Map<string, StatesOfRow>()
  #pendingBytes = 0
  #bytes: number
  #isWritable = true

  private constructor(directory: Directory, identity: string, bytes: number, options: StateFilesOptions) {
    this.#directory = directory
    this.#identity = identity
    this.#bytes = bytes
    this.#options = options
  }

  /** Opens the folder of an identity and reads what its files have; nothing is written yet. */
  static async open(outer: Directory, identity: StatesIdentity, options: StateFilesOptions): Promise<StateFiles> {
    const name = await contentHash(identity)
    const files = new StateFiles(within(outer, name), name, await bytesIn(outer), options)
    await files.#readHeaders()
    return files
  }

  /** The words of a row, or undefined where they are not there as they were written. */
  async read(key: string): Promise<Uint8Array | undefined> {
    const name = await contentHash(key)
    const pending = this.#pending.get(name)
    if (pending) return pending.bytes
    const places = this.#places.get(name) ?? []
    for (let place = places.pop(); place; place = places.pop())
      try {
        const bytes = await readBytes(this.#directory, place.entry)
        if ((await this.#checksum(name, bytes)) === place.sha256) {
          places.push(place)
          return bytes
        }
        this.#tellDamaged(place.entry.file, 'a checksum is not that of its contents')
      } catch (error) {
        this.#tellDamaged(place.entry.file, (error as Error).message)
      }
    return undefined
  }

  /** Takes the words of a row, to be written with others, where there is room for them. */
  async add(key: string, row: StatesOfRow): Promise<void> {
    const { bytes } = row
    if (!this.#isWritable || this.#bytes + this.#pendingBytes + bytes.length > this.#options.maxBytes) return
    this.#pending.set(await contentHash(key), row)
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes >= this.#options.fileBytes) await this.flush()
  }

  /** Writes what was taken. A directory that cannot be written is told of once; the run goes on without. */
  async flush(): Promise<void> {
    if (this.#pending.size === 0) return
    const rows = [...this.#pending]
    this.#pending.clear()
    this.#pendingBytes = 0
    const file = `states-${crypto.randomUUID()}.safetensors`
    const checksums: Record<string, string> = {}
    for (const [name, { bytes }] of rows) checksums[name] = await this.#checksum(name, bytes)
    const tensors = rows.map(([name, { bytes, positions, dtype }]) => ({
      name,
      dtype,
      shape: [positions, bytes.length / (dtype === 'F16' ? 2 : 4) / positions],
      bytes: () => bytes,
    }))
    try {
      await writeSafetensors(this.#directory, file, tensors, {
        identity: this.#identity,
        checksums: JSON.stringify(checksums),
      })
      await this.#readHeader(file)
      this.#bytes += await this.#directory.size(file)
    } catch (error) {
      this.#isWritable = false
      this.#options.onTrouble(
        `${this.#directory.name} cannot be written, so the target's states are kept there no longer: ${(error as Error).message}`,
      )
    }
  }

  async #readHeaders(): Promise<void> {
    const files = await this.#directory.list().catch((): string[] => [])
    for (const file of files.filter((name) => /^states-[\w-]+\.safetensors$/.test(name)))
      try {
        await this.#readHeader(file)
      } catch (error) {
        this.#tellDamaged(file, (error as Error).message)
      }
  }

  async #readHeader(file: string): Promise<void> {
    const { tensors, metadata } = await readSafetensors(this.#directory, file)
    if (metadata.identity !== this.#identity)
      throw new OutriderError('FILE_FORMAT', `${this.#directory.name}/${file} is of another target.`)
    const checksums = JSON.parse(metadata.checksums ?? '{}') as Record<string, unknown>
    for (const entry of tensors.values()) {
      const sha256 = checksums[entry.name]
      if (typeof sha256 !== 'string') continue
      this.#places.set(entry.name, [...(this.#places.get(entry.name) ?? []), { entry, sha256 }])
    }
  }

  /** Over what the bytes are of, too: the right bytes under a wrong name are wrong. */
  #checksum(name: string, bytes: Uint8Array): Promise<string> {
    const head = new TextEncoder().encode(`${this.#identity} ${name} `)
    const all = new Uint8Array(head.length + bytes.length)
    all.set(head)
    all.set(bytes, head.length)
    return digestOf(all)
  }

  readonly #told = new Set<string>()
  #tellDamaged(file: string, what: string): void {
    if (this.#told.has(file)) return
    this.#told.add(file)
    this.#options.onTrouble(`${this.#directory.name}/${file} is not used, and what it had is computed again: ${what}`)
  }
}

/** The words of a row, as many of each of its positions. */
export interface StatesOfRow {
  bytes: Uint8Array
  positions: number
  dtype: 'F16' | 'F32'
}

interface Place {
  entry: SafetensorsEntry
  sha256: string
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Bytes of all state files in a directory, whatever they are of. */
async function bytesIn(directory: Directory): Promise<number> {
  const folders = (await directory.folders?.().catch((): string[] => [])) ?? []
  let bytes = 0
  for (const folder of folders.filter((name) => /^[0-9a-f]{32}$/.test(name)))
    for (const file of await directory.list(folder)) bytes += await directory.size(`${folder}/${file}`)
  return bytes
}
