import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanToken, hubEnvironment } from './environment'

// What huggingface_hub 2.4 makes of the same variables.
describe('the environment is read as by the Python library', () => {
  const HOME = join('/', 'home', 'me')

  it.each(['1', 'ON', 'on', 'YES', 'Yes', 'TRUE', 'true'])('HF_HUB_OFFLINE=%s is offline', (HF_HUB_OFFLINE) => {
    expect(hubEnvironment({ HF_HUB_OFFLINE }).offline).toBe(true)
  })

  it.each(['0', 'OFF', 'no', 'false', '', ' 1', '2', 'y', undefined])('HF_HUB_OFFLINE=%s is not', (HF_HUB_OFFLINE) => {
    expect(hubEnvironment({ HF_HUB_OFFLINE }).offline).toBe(false)
  })

  it('TRANSFORMERS_OFFLINE counts where HF_HUB_OFFLINE says nothing', () => {
    expect(hubEnvironment({ TRANSFORMERS_OFFLINE: 'yes' }).offline).toBe(true)
    expect(hubEnvironment({ HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: 'yes' }).offline).toBe(true)
    expect(hubEnvironment({ HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: 'yes' }).offline).toBe(false)
  })

  it.each([
    [{}, join(HOME, '.cache', 'huggingface', 'hub')],
    [{ XDG_CACHE_HOME: '/x' }, join('/x', 'huggingface', 'hub')],
    [{ XDG_CACHE_HOME: '/x', HF_HOME: '/h' }, join('/h', 'hub')],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' }, '/new'],
    [{ HF_HOME: '~/h' }, join(HOME, 'h', 'hub')],
    [{ HF_HUB_CACHE: `$DISK/\${FOLDER}/$NONE`, DISK: '/disk', FOLDER: 'a b' }, '/disk/a b/$NONE'],
    [{ HF_HUB_CACHE: 'a~/b' }, 'a~/b'],
  ])('%j caches in %s', (env, cache) => {
    expect(hubEnvironment({ HOME, ...env }).cacheDirectory).toBe(cache)
  })

  it('the home folder is that of the system where HOME is not set', () => {
    expect(hubEnvironment({}).cacheDirectory).toBe(join(homedir(), '.cache', 'huggingface', 'hub'))
  })

  it('the rest: endpoint, copies, time-out', () => {
    expect(hubEnvironment({})).toMatchObject({ endpoint: 'https://huggingface.co', copies: false })
    expect(hubEnvironment({ HF_ENDPOINT: 'https://mirror/' }).endpoint).toBe('https://mirror/')
    expect(hubEnvironment({ HF_HUB_DISABLE_SYMLINKS: 'On' }).copies).toBe(true)
    expect(hubEnvironment({ HF_HUB_DOWNLOAD_TIMEOUT: '3' }).stallMilliseconds).toBe(3000)
    expect(hubEnvironment({ HF_HUB_DOWNLOAD_TIMEOUT: 'x' }).stallMilliseconds).toBeUndefined()
  })
})

describe('the token', () => {
  let home: string
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'outrider-token-'))
    await writeFile(join(home, 'token'), ' hf_file\r\n')
    await writeFile(join(home, 'other'), 'hf_other\n')
    await writeFile(join(home, 'empty'), '\n')
  })
  afterAll(() => rm(home, { recursive: true, force: true }))
  const tokenOf = (env: Record<string, string>) => hubEnvironment({ HOME: home, HF_HOME: home, ...env }).token()

  it('is that of HF_TOKEN, then HUGGING_FACE_HUB_TOKEN, then the file in HF_HOME or at HF_TOKEN_PATH', async () => {
    expect(await tokenOf({ HF_TOKEN: ' hf_a\n', HUGGING_FACE_HUB_TOKEN: 'hf_b' })).toBe('hf_a')
    expect(await tokenOf({ HF_TOKEN: '', HUGGING_FACE_HUB_TOKEN: 'hf_b\r\n' })).toBe('hf_b')
    expect(await tokenOf({})).toBe('hf_file')
    expect(await tokenOf({ HF_TOKEN: ' ' })).toBe('hf_file')
    expect(await tokenOf({ HF_TOKEN_PATH: '~/other' })).toBe('hf_other')
    expect(await tokenOf({ HF_TOKEN_PATH: join(home, 'empty') })).toBeUndefined()
    expect(await tokenOf({ HF_TOKEN_PATH: join(home, 'none') })).toBeUndefined()
  })

  it('is none where HF_HUB_DISABLE_IMPLICIT_TOKEN is true', async () => {
    expect(await tokenOf({ HF_TOKEN: 'hf_a', HF_HUB_DISABLE_IMPLICIT_TOKEN: 'yes' })).toBeUndefined()
    expect(await tokenOf({ HF_TOKEN: 'hf_a', HF_HUB_DISABLE_IMPLICIT_TOKEN: '0' })).toBe('hf_a')
  })

  it('of a file that cannot be read is a typed error, and so is one that no header can carry', async () => {
    await expect(tokenOf({ HF_TOKEN_PATH: home })).rejects.toMatchObject({ code: 'FILE_MISSING' })
    expect(() => cleanToken('hf_a b')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(cleanToken(' hf_a\nb ')).toBe('hf_ab')
    expect(cleanToken('')).toBeUndefined()
  })
})
