import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { afterEach, beforeEach, expect } from 'vitest'
import { commit, entryOf, type TestHub, testHub } from './hub.fixture'
import { type HubOptions, hubDirectory } from './hub-directory'

export const name = 'some/model'
export const weights = 'model.safetensors'
export const files = {
  'config.json': Buffer.from('{"model_type":"llama"}'),
  [weights]: Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 3)),
}
export const listed = Object.entries(files).map(entryOf)
export const infoPath = `/api/models/${name}/revision/main`
export const treePath = `/api/models/${name}/tree/${commit}`

/** A home folder with the user's own file in it, `profile`, and the cache beside that. */
export let home: string
export let cacheDirectory: string
/** The model's place in the cache. */
export let store: string
/** What is in `profile`. */
export const own = 'what only the user has'
let hubs: TestHub[]

/** Makes such a home for each test of a file, and ends its hubs after it. */
export function eachInItsHome(): void {
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'outrider-hostile-'))
    cacheDirectory = join(home, 'cache')
    store = join(cacheDirectory, 'models--some--model')
    await writeFile(join(home, 'profile'), own)
    hubs = []
  })
  afterEach(async () => {
    await Promise.all(hubs.map((hub) => hub.close()))
    await rm(home, { recursive: true, force: true })
  })
}

type Lie = NonNullable<NonNullable<Parameters<typeof testHub>[2]>['lie']>

/** A hub that lies, until the test ends. */
export async function start(
  lie?: Lie,
  options: { token?: string; has?: Readonly<Record<string, Uint8Array>> } = {},
): Promise<TestHub> {
  const { has = files, ...rest } = options
  const hub = await testHub(name, has, { ...rest, ...(lie ? { lie } : {}) })
  hubs.push(hub)
  return hub
}

export const open = ({ endpoint }: TestHub, options: HubOptions = {}) =>
  hubDirectory(name, { endpoint, cacheDirectory, pauses: [1, 1], token: '', stallMilliseconds: 5000, ...options })

export const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  return true
}

export const failure = (work: Promise<unknown>): Promise<OutriderError> =>
  work.then(
    () => expect.fail('it succeeded'),
    (error: OutriderError) => {
      expect(error).toBeInstanceOf(OutriderError)
      return error
    },
  )
