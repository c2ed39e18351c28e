import { mkdir, writeFile } from 'node:fs/promises'
import type { Engine, Served } from './engines/engine'

const completions = '/completions'
const chat = '/chat/completions'
const prompt = 'Once upon a time'
const ids = { return_token_ids: true }

/** What is told of a prompt, streamed: with what it is asked for in. */
const asked: readonly [string, object][] = [
  [completions, { prompt, max_tokens: 4, ...ids }],
  [completions, { prompt: [prompt, 'Lily'], max_tokens: 3, ...ids }],
  [completions, { prompt, max_tokens: 4, echo: true }],
  [completions, { prompt, max_tokens: 4, echo: true, logprobs: 1, return_tokens_as_token_ids: true }],
  [completions, { prompt, max_tokens: 4, echo: true, logprobs: 0, stop: ['a'] }],
  [completions, { prompt, max_tokens: 0, echo: true, logprobs: 1 }],
  [completions, { prompt, max_tokens: 4, echo: true, ...ids }],
  [completions, { prompt, max_tokens: 1, prompt_logprobs: 1 }],
  [completions, { prompt, max_tokens: 1, prompt_logprobs: 0 }],
  [chat, { messages: [{ role: 'user', content: prompt }], max_tokens: 4, ...ids }],
  [chat, { messages: [{ role: 'user', content: prompt }], max_tokens: 1, prompt_logprobs: 1 }],
]

/** Writes the chunks in which an engine streams what it tells of prompts, or what it refuses it with. */
export async function recordStreams({ name }: Engine, served: Served, into: string): Promise<string> {
  const exchanges: object[] = []
  for (const [path, more] of asked) {
    const body = { model: served.model, temperature: 0, stream: true, ...more }
    const response = await fetch(served.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    const answer = response.ok ? chunksOf(text) : JSON.parse(text)
    exchanges.push({ path: new URL(response.url).pathname, body, status: response.status, answer })
  }
  await mkdir(`${into}/streams`, { recursive: true })
  const file = `${into}/streams/${name}.json`
  const { version, command } = served
  const lines = exchanges.map((one) => `  ${JSON.stringify(one)}`).join(',\n')
  const head = { engine: name, version, command }
  await writeFile(file, `${JSON.stringify(head).slice(0, -1)},"exchanges":[\n${lines}\n]}\n`)
  return file
}

const chunksOf = (text: string): unknown[] =>
  text.split('\n').flatMap((line) => (/^data: \{/.test(line) ? JSON.parse(line.slice('data: '.length)) : []))
