import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createAdaptorServer } from '@hono/node-server'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, loadCausalLM, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { Hono } from 'hono'
import { createServer } from './create-server'
import { type ListeningOptions, type ListeningServer, startServer } from './node/start-server'

let chat: Promise<PretrainedModel> | undefined
let base: Promise<PretrainedModel> | undefined

export const tinyChatFolder = fileURLToPath(new URL('../../cli/assets/tiny-chat', import.meta.url))

/** The bundled chat model on the test device, loaded once a process. */
export function tinyChat(): Promise<PretrainedModel> {
  chat ??= testDevice().then((device) => loadCausalLM(tinyChatFolder, { device }))
  return chat
}

/** A base model: it has no chat template. */
export function stories(): Promise<PretrainedModel> {
  base ??= testDevice().then((device) => loadCausalLM(testData('stories260K'), { device }))
  return base
}

/** The target without its upper layers: a draft that is often right, and often not. It lives as long as the target. */
export function shallow(target: PretrainedModel, layers: number): PretrainedModel {
  const { model, config } = target
  return pretrainedModel(new Decoder(model.device, { ...config, layers }, model.parameters), target)
}

/** A server of the chat model on a free port, without warm-up. */
export async function chatServer(options: Partial<ListeningOptions> = {}): Promise<ListeningServer> {
  const target = options.target ?? (await tinyChat())
  return startServer({ name: 'tiny-chat', host: '127.0.0.1', port: 0, warmUp: false, ...options, target })
}

/** The app of a server of the chat model, below a path of an HTTP server that knows nothing of it. */
export async function behindAnotherServer(): Promise<ListeningServer> {
  const { ready: _, ...server } = createServer({ target: await tinyChat(), warmUp: false })
  const http = createAdaptorServer({ fetch: new Hono().route('/ai', server.app).fetch, overrideGlobalObjects: false })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    http.close()
    await server.close()
  }
  return { ...server, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/ai`, loopbackOnly: true, close }
}

/** Posts JSON and reads JSON. */
export async function post(
  server: ListeningServer,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
) {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal,
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: what a server says is anything
  return { status: response.status, headers: response.headers, json: () => JSON.parse(text) as any, text }
}

/** The value of a metric without labels of its own. */
export async function metric(server: ListeningServer, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const line = text.split('\n').find((line) => line.startsWith(`${name}{`) && line.includes(labels))
  return Number(line?.split(' ').at(-1))
}

/** Waits until something is so; says what was waited for if it never is. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`in ten seconds it was not so: ${what}`)
}
