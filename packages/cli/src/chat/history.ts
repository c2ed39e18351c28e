import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const limit = 1000

/** Messages typed before, newest first. */
export interface History {
  readonly entries: readonly string[]
  add(message: string): void
}

/**
 * Where messages are kept from one chat to the next: `OUTRIDER_HISTORY`, or `chat-history.jsonl` in the user's state folder.
 * Undefined where `OUTRIDER_HISTORY` is empty or `off`.
 */
export function historyFile(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string | undefined {
  const named = env.OUTRIDER_HISTORY
  if (named !== undefined) return named === '' || named === 'off' ? undefined : named
  return join(stateFolder(env, platform), 'outrider', 'chat-history.jsonl')
}

function stateFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const home = env.HOME ?? homedir()
  if (platform === 'win32') return env.LOCALAPPDATA ?? join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  return env.XDG_STATE_HOME || join(home, '.local', 'state')
}

/**
 * History in a file that only its user can read, a JSON string a line; without a file it lasts as long as the process.
 *
 * @param onFailure  told once if the file cannot be read or written; the history goes on without it
 */
export function openHistory(file: string | undefined, onFailure: (reason: string) => void): History {
  let path = file
  const entries: string[] = []
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      path = undefined
      onFailure((error as Error).message)
    }
  }
  const remember = (message: string) => {
    const known = entries.indexOf(message)
    if (known >= 0) entries.splice(known, 1)
    entries.unshift(message)
    entries.length = Math.min(entries.length, limit)
  }

  if (path !== undefined) {
    const file = path
    attempt(() => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      const lines = readLines(file)
      for (const message of lines) remember(message)
      if (lines.length > 2 * limit) rewrite(file, entries)
    })
  }
  return {
    entries,
    add(message) {
      if (entries[0] === message) return
      remember(message)
      if (path === undefined) return
      const file = path
      attempt(() => {
        appendFileSync(file, `${JSON.stringify(message)}\n`, { mode: 0o600 })
        // One that was there before may be open to others; a device is the machine's.
        if (statSync(file).isFile()) chmodSync(file, 0o600)
      })
    },
  }
}

/** The messages of a file, oldest first; a line that is damaged is left out. */
function readLines(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text.split('\n').flatMap((line) => {
    try {
      const message: unknown = JSON.parse(line)
      return typeof message === 'string' ? [message] : []
    } catch {
      return []
    }
  })
}

function rewrite(path: string, entries: readonly string[]): void {
  const file = realpathSync(path) // a link stays one
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(
    temporary,
    entries
      .toReversed()
      .map((message) => `${JSON.stringify(message)}\n`)
      .join(''),
    { mode: 0o600 },
  )
  renameSync(temporary, file)
}
