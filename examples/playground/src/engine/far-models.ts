import { OutriderError } from '@outrider/tensor'
import {
  type Directory,
  type KeepProgress,
  keptDirectory,
  keptFiles,
  opfsDirectory,
  parseHubId,
  urlDirectory,
} from '@outrider/transformer'

const hub = 'https://huggingface.co'
const store = opfsDirectory('outrider-weights')

/** What is told while weights come from far. */
export interface FarReport {
  onFetch(progress: KeepProgress): void
  /** They come, and are not kept in the browser's storage. */
  onNotKept(error: unknown): void
}

/**
 * A model of the Hub (`org/name`, `org/name@revision`, `org/name/file.gguf`) or of any other address, whose weights are kept
 * in the browser's storage.
 *
 * @throws OutriderError INVALID_ARGUMENT for what is neither
 */
export function farModel(
  text: string,
  { onFetch, onNotKept }: FarReport,
): { place: Directory; file: string | undefined } {
  const { address, name, file } = placeOf(text)
  const kept = keptDirectory(urlDirectory(address), store, { onProgress: onFetch, onTrouble: onNotKept, room })
  return { place: { ...kept, name }, file }
}

/** The weights that the browser keeps for this site. */
export function keptRoom() {
  return {
    /** Bytes of them; undefined where nothing can be kept. */
    bytes: (): Promise<number | undefined> =>
      keptFiles(store)
        .bytes()
        .catch(() => undefined),
    clear: (): Promise<void> => keptFiles(store).clear(),
  }
}

export function placeOf(text: string): { address: string; name: string; file: string | undefined } {
  const page = /^https:\/\/huggingface\.co\/([^/?#]+\/[^/?#]+)(?:\/tree\/([^/?#]+))?\/?$/.exec(text)
  const wanted = page ? `${page[1]}${page[2] ? `@${page[2]}` : ''}` : text
  if (/^https?:\/\//i.test(wanted) && URL.canParse(wanted)) {
    const url = new URL(wanted)
    const file = /[^/]+\.gguf$/i.exec(url.pathname)?.[0]
    if (file) url.pathname = url.pathname.slice(0, -file.length)
    const folder = url.href.replace(/\/(?=$|\?)/, '')
    return { address: folder, name: folder, file: file && decodeURIComponent(file) }
  }
  const [, name = wanted, file] = /^(.+)\/([^/]+\.gguf)$/i.exec(wanted) ?? []
  const id = parseHubId(name)
  if (id) return { address: `${hub}/${id.name}/resolve/${encodeURIComponent(id.revision)}`, name, file }
  throw new OutriderError('INVALID_ARGUMENT', `"${text}" is neither the name of a model on the Hub nor an address.`, {
    remedy: 'Write org/name, org/name@revision, org/name/file.gguf, or an address that begins with https://.',
  })
}

/** What the browser still has room for, as far as it says. */
async function room(): Promise<number | undefined> {
  const { quota, usage } = await navigator.storage.estimate()
  return quota === undefined || usage === undefined ? undefined : quota - usage
}
