import type { Device } from '@outrider/tensor'
import { type TunedKernels, takesChoice } from '@outrider/tensor/internal'
import { version } from '../../package.json'
import { contentHash, type Directory, directory, opfsDirectory } from '../files/index'
import { nodeModule } from '../files/node-module'

/** What was found on an adapter, for all models that were tuned there. */
export interface KeptTuning {
  /** The kernels that are faster than the defaults, by what they are for. */
  readonly kernels: TunedKernels
  /** What was timed, whether or not anything was gained: it need not be timed again. */
  readonly timed: readonly string[]
  /** Kernels whose results are wrong on this adapter, by what they were tried for. */
  readonly wrong: Readonly<Record<string, readonly string[]>>
}

/**
 * Where tuning is kept: in Node `outrider` in `XDG_CACHE_HOME`, by default `~/.cache`; in a page the folder `outrider` of the Origin
 * Private File System.
 */
export function tuningDirectory(
  env: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {},
): Directory {
  if (!globalThis.process?.getBuiltinModule) return opfsDirectory('outrider')
  const { join } = nodeModule('node:path')
  return directory(join(env.XDG_CACHE_HOME || join(env.HOME ?? nodeModule('node:os').homedir(), '.cache'), 'outrider'))
}

/** The file of an adapter, its driver and this version. */
export const tuningFile = async (device: Device): Promise<string> =>
  `tuning-${await contentHash(identityOf(device))}.json`

const identityOf = ({ adapterIdentity }: Device) => ({ adapter: adapterIdentity, version })

/**
 * What was found on a device's adapter; undefined where nothing was, or the file is damaged, or of another adapter: then the defaults
 * hold until it is made anew.
 */
export async function readTuning(
  device: Device,
  place: Directory = tuningDirectory(),
): Promise<KeptTuning | undefined> {
  try {
    const { hash, ...kept } = JSON.parse(await place.readText(await tuningFile(device))) as StoredTuning
    const { kernels, timed, wrong, adapter } = kept
    const sound =
      adapter === device.adapterIdentity &&
      kept.version === version &&
      hash === (await contentHash(kept)) &&
      Object.entries(kernels).every(([key, name]) => takesChoice(key, name, device.capabilities))
    return sound ? { kernels, timed, wrong } : undefined
  } catch {
    return undefined
  }
}

interface StoredTuning extends KeptTuning {
  adapter: string
  version: string
  /** Of all the rest. */
  hash: string
}

/**
 * Keeps what was found, in place of what was kept of this adapter.
 *
 * @throws OutriderError FILE_WRITE
 */
export async function writeTuning(
  device: Device,
  kept: KeptTuning,
  place: Directory = tuningDirectory(),
): Promise<void> {
  const content = { ...identityOf(device), ...kept }
  const stored: StoredTuning = { ...content, hash: await contentHash(content) }
  await place.write(await tuningFile(device), `${JSON.stringify(stored, undefined, 2)}\n`)
}
