/** What of a file is passed over, though it may be meant to count. The file is read all the same. */
export interface FileWarning {
  /** The file, with its directory. */
  readonly file: string
  /** The keys that are not used, as the file writes them. */
  readonly keys: readonly string[]
  /** A sentence for people, which names the file and the keys. */
  readonly message: string
}

/** Is told of what is passed over: once for each file and reason. */
export type OnWarning = (warning: FileWarning) => void

/** Where nobody listens: silence would hide it. */
export const warnOnConsole: OnWarning = ({ message }) => console.warn(message)

/** Tells of the keys of a file that nobody knows; of nothing where there are none. */
export function warnOfUnknownKeys(onWarning: OnWarning | undefined, file: string, keys: Iterable<string>): void {
  warnOfKeys(onWarning, file, keys, 'not known here, and ignored')
}

/**
 * Tells of keys that are passed over for a reason of their own: "FILE: WHAT: a, b and c."
 *
 * @param onWarning  who is told; nobody where left out
 * @param file       the file with its directory
 * @param keys       tells of nothing where there are none
 * @param what       becomes of them
 */
export function warnOfKeys(onWarning: OnWarning | undefined, file: string, keys: Iterable<string>, what: string): void {
  const all = [...new Set(keys)]
  if (all.length > 0) onWarning?.({ file, keys: all, message: `${file}: ${what}: ${inWords(all)}.` })
}

const mostNamed = 20
const mostCharacters = 60

/** `a, b and c`, of strangers' keys: quoted where they are no plain names, and not endless. */
function inWords(keys: readonly string[]): string {
  const named = keys.slice(0, mostNamed).map((key) => {
    const short = key.length > mostCharacters ? `${key.slice(0, mostCharacters)}…` : key
    return /^[\w.…-]+$/.test(short) ? short : JSON.stringify(short)
  })
  if (keys.length > mostNamed) named.push(`${keys.length - mostNamed} more`)
  return named.length < 2 ? named.join() : `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
}
