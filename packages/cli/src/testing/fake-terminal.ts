import { PassThrough } from 'node:stream'

/** A terminal without a person: what is typed comes from `type`, what is shown is in `screen`. */
export interface FakeTerminal {
  input: PassThrough & { isTTY: true; setRawMode: (raw: boolean) => unknown }
  output: PassThrough & { isTTY: true; columns: number }
  /** All that was written, with its escape sequences. */
  readonly raw: string
  /** All that was written, as a reader sees it: no styles, no cursor movements. */
  readonly screen: string
  /** Whether keys come one by one, as while something is read from them. */
  readonly isRaw: boolean
  type(keys: string): void
  /** Types as soon as text appears that was not there at the last `waitFor`. */
  typeAt(text: RegExp, keys: string): void
  /** Resolves when text appears that was not there at the last call. Fails after a minute, with what is there. */
  waitFor(text: string | RegExp): Promise<void>
}

export const keys = {
  enter: '\r',
  tab: '\t',
  up: '\x1b[A',
  ctrlC: '\x03',
  ctrlD: '\x04',
  paste: (text: string) => `\x1b[200~${text}\x1b[201~`,
} as const

export function fakeTerminal({ columns = 80 } = {}): FakeTerminal {
  let raw = ''
  let seen = 0
  let isRaw = false
  const input = Object.assign(new PassThrough(), {
    isTTY: true as const,
    setRawMode: (on: boolean) => {
      isRaw = on
    },
  })
  const output = Object.assign(new PassThrough(), { isTTY: true as const, columns })
  let typeLater: { text: RegExp; keys: string } | undefined
  output.on('data', (data: Buffer) => {
    raw += data
    if (!typeLater?.text.test(plain(raw.slice(seen)))) return
    const { keys } = typeLater
    typeLater = undefined
    input.write(keys)
  })
  return {
    input,
    output,
    get raw() {
      return raw
    },
    get screen() {
      return plain(raw)
    },
    get isRaw() {
      return isRaw
    },
    type: (keys) => void input.write(keys),
    typeAt(text, keys) {
      typeLater = { text, keys }
    },
    async waitFor(text) {
      const began = Date.now()
      for (;;) {
        const fresh = plain(raw.slice(seen))
        if (typeof text === 'string' ? fresh.includes(text) : text.test(fresh)) {
          seen = raw.length
          return
        }
        if (Date.now() - began > 60_000) throw new Error(`${text} did not appear. What did:\n${fresh}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every sequence
const plain = (text: string): string => text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
