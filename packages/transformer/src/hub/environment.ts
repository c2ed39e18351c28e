import { OutriderError } from '@outrider/tensor'
import { nodeModule } from '../files/node-module'
import { defaultEndpoint } from './hub-id'

/** What the environment says about the hub. */
export interface HubEnvironment {
  endpoint: string
  cacheDirectory: string
  /** Nothing is asked of the network. */
  offline: boolean
  /** Files of the cache are copies: no links are made. */
  copies: boolean
  /** How long nothing may come from a connection, in milliseconds; undefined where it is not said. */
  stallMilliseconds: number | undefined
  /** The token that is sent where none is given: of a variable, or of the file that `hf auth login` writes. */
  token(): Promise<string | undefined>
}

/** Reads the environment by the rules of Hugging Face's Python library (huggingface_hub 2.4, constants.py and _auth.py). */
export function hubEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): HubEnvironment {
  const { join } = nodeModule('node:path')
  const path = (text: string) => expanded(text, env)
  const home = path(env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? '~/.cache', 'huggingface'))
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT)
  return {
    endpoint: env.HF_ENDPOINT || defaultEndpoint,
    cacheDirectory: path(env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(home, 'hub')),
    offline: isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    copies: isTrue(env.HF_HUB_DISABLE_SYMLINKS),
    stallMilliseconds: seconds > 0 ? seconds * 1000 : undefined,
    async token() {
      if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined
      const variable = cleanToken(env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN)
      return variable ?? cleanToken(await tokenFile(path(env.HF_TOKEN_PATH ?? join(home, 'token'))))
    },
  }
}

/**
 * A token without the blanks and line ends around it; undefined where nothing is left.
 *
 * @throws OutriderError INVALID_ARGUMENT for what no header can carry; the message does not repeat it
 */
export function cleanToken(text: string | undefined): string | undefined {
  const token = text?.replace(/[\r\n]/g, '').trim()
  if (!token || /^[\x21-\x7e]+$/.test(token)) return token || undefined
  throw new OutriderError('INVALID_ARGUMENT', 'The token for the hub has characters that no token has.', {
    remedy: 'Check HF_TOKEN, or what `hf auth login` stored.',
  })
}

const isTrue = (value: string | undefined) => ['1', 'ON', 'YES', 'TRUE'].includes(value?.toUpperCase() ?? '')

/** `~` at the front is the home folder, `$NAME` and `${NAME}` are variables; unknown ones stay. */
function expanded(path: string, env: Readonly<Record<string, string | undefined>>): string {
  const home = env.HOME ?? nodeModule('node:os').homedir()
  return path
    .replace(/^~(?=$|[\\/])/, () => home)
    .replace(/\$(?:(\w+)|\{([^}]*)\})/g, (written, plain, braced) => env[plain ?? braced] ?? written)
}

async function tokenFile(path: string): Promise<string | undefined> {
  try {
    return await nodeModule('node:fs/promises').readFile(path, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new OutriderError('FILE_MISSING', `The token's file ${path} cannot be read: ${message}.`, {
      remedy: 'Check its permissions, or set HF_HUB_DISABLE_IMPLICIT_TOKEN=1 to do without.',
      cause,
    })
  }
}
