import { readFile } from 'node:fs/promises'
import { OutriderError } from '@outrider/tensor'

/**
 * The keys of a file, by name: a line for each, `name key`; empty lines and those that begin with # are passed over.
 *
 * @throws OutriderError INVALID_ARGUMENT that names the file and the line, never a key
 */
export async function readApiKeys(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new OutriderError('INVALID_ARGUMENT', `The file of API keys, ${path}, cannot be read.`, { cause })
  })
  const keys = new Map<string, string>()
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, name, key] = /^([\w.-]{1,64})[ \t]+(\S+)[ \t]*$/.exec(line) ?? []
    if (name === undefined || key === undefined || keys.has(name))
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `${path}, line ${at + 1}: ${keys.has(name ?? '') ? `the name ${name} is there twice` : 'it is no "name key"'}.`,
        { remedy: 'A line has a name of letters, digits, points and dashes, a space, and a key without spaces.' },
      )
    keys.set(name, key)
  }
  if (keys.size > 0) return Object.fromEntries(keys)
  throw new OutriderError('INVALID_ARGUMENT', `${path} has no API key, so nobody could ask.`, {
    remedy: 'Write lines of the form "name key", or leave --api-keys out.',
  })
}
