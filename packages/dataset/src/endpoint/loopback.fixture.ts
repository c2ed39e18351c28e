import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The fields that these engines read of what clients send. */
interface AskedBody {
  messages: [{ role: string; content: string }, ...{ role: string; content: string }[]]
  temperature: number
  top_p: number
  seed: number
  max_tokens?: number
  max_completion_tokens?: number
  /** The text at the routes beside chat, which have nothing of the above. */
  prompt: string
  input: string
  [other: string]: unknown
}

/** What an engine was asked. */
export interface Asked {
  path: string
  authorization: string | undefined
  body: AskedBody
  /** How often just this was asked before. */
  before: number
}

/** Whether the engine is being asked what it takes, rather than for a row. */
export const isProbe = ({ body }: Asked): boolean => body.max_tokens === 1 || body.max_completion_tokens === 1

/** Bytes, as the tokenizer of the tests has them, and its end. */
export const idsOfText = (text: string): number[] => [...new TextEncoder().encode(text), 257]

/** An answer that depends on all that decides one. */
export function said({ body }: Asked): string {
  const { messages, temperature, top_p, seed } = body
  return `${messages.at(-1)!.content.toUpperCase()} ${temperature} ${top_p} ${temperature === 0 ? '' : seed}`
}

/** A chat completion, in vLLM's words. */
export const completion = (asked: Asked, ids = true): object => ({
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: said(asked) },
      finish_reason: 'stop',
      ...(ids && { token_ids: idsOfText(said(asked)) }),
    },
  ],
  usage: { prompt_tokens: 3, completion_tokens: said(asked).length + 1 },
  ...(ids && { prompt_token_ids: [1, 2, 3] }),
})

export const json = (response: ServerResponse, body: object, status = 200, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

export const failure = (response: ServerResponse, status: number, message: string, headers = {}) =>
  json(response, { error: { message } }, status, headers)

export interface Loopback {
  url: string
  /** What it was asked, but for probes. */
  asked: Asked[]
  /** The most that were under way at once. */
  readonly atOnce: number
  close(): Promise<void>
}

type Reply = (asked: Asked, response: ServerResponse) => unknown

/** An engine on this machine that answers as it is told to; paths other than `/v1/chat/completions` are not there. */
export async function loopback(
  reply: Reply = (asked, response) => json(response, completion(asked)),
  others: Reply = (_, response) => failure(response, 404, 'Not Found'),
): Promise<Loopback> {
  const asked: Asked[] = []
  const times = new Map<string, number>()
  let running = 0
  let atOnce = 0
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request)
    const key = `${request.url} ${text}`
    const before = times.get(key) ?? 0
    times.set(key, before + 1)
    const { authorization } = request.headers
    const one: Asked = { path: request.url!, authorization, body: JSON.parse(text), before }
    if (request.url !== '/v1/chat/completions') return others(one, response)
    if (!isProbe(one)) asked.push(one)
    atOnce = Math.max(atOnce, ++running)
    let isRunning = true
    const ended = () => {
      if (isRunning) running--
      isRunning = false
    }
    response.on('finish', ended).on('close', ended)
    return reply(one, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get atOnce() {
      return atOnce
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}
