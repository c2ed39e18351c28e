import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OutriderError } from '../errors'
import { hasSoftwareAdapter, notForThisMachine, type Platform } from './no-adapter'

/** What is used of `@outrider/software-adapter`. */
export interface SoftwareAdapter {
  useSoftwareAdapter(options?: { adapter?: 'auto' | 'swiftshader' | 'system' }): Promise<string | null>
}

/** Finds the package; null where it is not installed. */
export type FindSoftwareAdapter = () => Promise<SoftwareAdapter | null>

/**
 * Has Dawn find a software adapter from now on.
 *
 * @param wanted  true: SwiftShader, whatever else there is; 'fallback': where the machine itself has no adapter
 * @throws OutriderError NO_ADAPTER where it is wanted and not installed, not made for this machine, or does not start
 */
export async function useSoftware(
  wanted: true | 'fallback',
  { find = findSoftwareAdapter, machine = process }: { find?: FindSoftwareAdapter; machine?: Platform } = {},
): Promise<void> {
  if (!hasSoftwareAdapter(machine)) {
    if (wanted === 'fallback') return
    throw notForThisMachine(machine)
  }
  const found = await find()
  if (!found) {
    if (wanted === 'fallback') return
    throw new OutriderError('NO_ADAPTER', '@outrider/software-adapter is not installed.', {
      remedy:
        '`npm i -D @outrider/software-adapter` installs it beside this program (not on npm yet: from its tarball).',
    })
  }
  try {
    await found.useSoftwareAdapter(wanted === true ? { adapter: 'swiftshader' } : {})
  } catch (cause) {
    throw new OutriderError(
      'NO_ADAPTER',
      `@outrider/software-adapter does not start: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    )
  }
}

// Not a literal: a bundler shall leave it to Node, which may or may not find it.
const name: string = '@outrider/software-adapter'

/**
 * As this package sees it, or as the program does: where every package sees only what it depends on (pnpm), the project's
 * own is beyond this one's reach.
 */
export async function findSoftwareAdapter(
  program: string | undefined = process.argv[1],
  load: (specifier: string) => Promise<SoftwareAdapter> = (specifier) => import(/* @vite-ignore */ specifier),
): Promise<SoftwareAdapter | null> {
  try {
    return await load(name)
  } catch (error) {
    if (!isNotInstalled(error)) throw error
  }
  try {
    return await import(/* @vite-ignore */ pathToFileURL(resolveFrom(program)).href)
  } catch (error) {
    if (!isNotInstalled(error)) throw error
    return null
  }
}

/** Where Node looks for what a program imports: from its file upwards, from the working folder if it has none (`node -e`). */
const resolveFrom = (program: string | undefined) =>
  createRequire(program ?? join(process.cwd(), 'program')).resolve(name)

/** The package itself, not one that it needs: that is a broken installation. */
function isNotInstalled(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') &&
    new RegExp(`^Cannot find (package|module) '${name}'`).test(message ?? '')
  )
}
