import { OutriderError } from '@outrider/tensor'
import { checkFileName } from '../files/directory'
import { escapeControls } from '../files/escape-controls'
import { type Budget, json } from './body'
import type { RemoteFile } from './download'
import { type HubId, isCommit } from './hub-id'
import { ask, Passing, persist, type RequestSettings } from './requests'

/** What is in a model at a commit. */
export interface Listing {
  commit: string
  revision: string
  files: Map<string, RemoteFile>
}

/** The largest listings of the Hub are a tenth of this. */
const mostBytes = 64 * 2 ** 20
const mostPages = 200

/**
 * Asks the hub which commit a revision is, and which files it has. What it answers becomes parts of paths, so each has the form
 * that such a thing has, or the answer is refused.
 *
 * @throws OutriderError NETWORK; FILE_MISSING; FILE_FORMAT for answers that no hub gives; ABORTED
 */
export function askListing({ name, revision }: HubId, endpoint: string, settings: RequestSettings): Promise<Listing> {
  const pauses = settings.pauses.slice(0, 3)
  return persist(`Asking ${endpoint} for ${name}`, { ...settings, pauses }, async () => {
    const budget = { bytes: mostBytes, until: performance.now() + 10 * settings.stallMilliseconds }
    const model = `${endpoint}/api/models/${name}`
    const info = await ask(`${model}/revision/${encodeURIComponent(revision)}?expand=sha`, settings, acceptJson)
    const { sha: commit } = ((await json(info, settings, budget)) ?? {}) as { sha?: unknown }
    if (!isCommit(commit)) throw lie(endpoint, `${name} is at commit ${shown(commit)}`)
    const files = new Map<string, RemoteFile>()
    for await (const entry of entries(`${model}/tree/${commit}?recursive=true&expand=false`, settings, budget)) {
      const file = fileOf(entry, endpoint)
      if (file)
        files.set(file.path, { ...file.remote, url: `${endpoint}/${name}/resolve/${commit}/${encoded(file.path)}` })
    }
    return { commit, revision, files }
  })
}

const acceptJson = { accept: 'application/json' }
const encoded = (path: string) => path.split('/').map(encodeURIComponent).join('/')

/** The entries of a listing, page after page. */
async function* entries(first: string, settings: RequestSettings, budget: Budget): AsyncGenerator<unknown> {
  let url: string | undefined = first
  for (let page = 0; url; page++) {
    if (page === mostPages) throw new Passing(`the list has more than ${mostPages} pages`)
    const response = await ask(url, settings, acceptJson)
    const items = await json(response, settings, budget)
    if (!Array.isArray(items)) throw new Passing('the answer is no list of files')
    yield* items
    url = nextPage(response.headers.get('link'), url, settings.origin)
  }
}

function nextPage(link: string | null, url: string, origin: string): string | undefined {
  const target = /<([^<>]*)>\s*;[^,<]*\brel="?next\b/i.exec(link ?? '')?.[1]
  if (target === undefined) return undefined
  const next = URL.canParse(target, url) ? new URL(target, url) : undefined
  if (next?.origin === origin) return next.href
  throw lie(origin, `its list goes on at ${shown(target)}`)
}

/** A file that is listed; undefined for a folder, or what has no contents to compare with. */
function fileOf(entry: unknown, endpoint: string): { path: string; remote: Omit<RemoteFile, 'url'> } | undefined {
  const { type, path, size, oid, lfs } = (entry ?? {}) as Record<string, unknown>
  if (type !== 'file' || (!lfs && !oid)) return undefined
  if (typeof path !== 'string' || !isFileName(path)) throw lie(endpoint, `there is a file named ${shown(path)}`)
  const large = lfs as { oid?: unknown; size?: unknown } | undefined
  const bytes = large?.size ?? size
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) throw lie(endpoint, `${path} has ${shown(bytes)} bytes`)
  const hex = large ? large.oid : oid
  if (typeof hex !== 'string' || !(large ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hex))
    throw lie(endpoint, `${path} has the hash ${shown(hex)}`)
  return { path, remote: { bytes: bytes as number, hash: { algorithm: large ? 'sha256' : 'git-sha1', hex } } }
}

function isFileName(path: string): boolean {
  // A terminal would obey what such characters say.
  if (/\p{Cc}/u.test(path)) return false
  try {
    checkFileName('', path)
    encodeURIComponent(path) // half of a character is in no address
    return true
  } catch {
    return false
  }
}

const lie = (endpoint: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${endpoint} answers what no hub does: ${what}.`, {
    remedy: 'Check HF_ENDPOINT: nothing was written, and such a server is not to be trusted.',
  })

/** Without what a terminal would obey: JSON leaves DEL and the C1 controls as they are. */
const shown = (value: unknown) => escapeControls((JSON.stringify(value) ?? 'undefined').slice(0, 100))
