import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_CACHE_HOME/outrider`, else `~/.cache/outrider`, else a folder of this user's own under the temporary one. */
export async function cacheFolder(environment = process.env) {
  const user = process.getuid?.()
  const candidates = [
    environment.XDG_CACHE_HOME && join(environment.XDG_CACHE_HOME, 'outrider'),
    join(environment.HOME || homedir(), '.cache', 'outrider'),
    join(tmpdir(), `outrider-${user ?? 'user'}`),
  ]
  for (const folder of candidates) if (folder && (await isOurs(folder, user))) return folder
  throw new Error(
    `No writable cache folder: tried ${candidates.filter(Boolean).join(', ')}. Set XDG_CACHE_HOME to one that is.`,
  )
}

/** Writable, and this user's: libraries are loaded from it, so nobody else may have put them there. */
async function isOurs(folder, user) {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.W_OK | constants.X_OK)
    return user === undefined || (await stat(folder)).uid === user
  } catch {
    return false
  }
}
