import type { PretrainedModel } from '@outrider/transformer'
import { generate } from '@outrider/transformer'
import OpenAI from 'openai'
import type { ListeningServer } from './node/start-server'

const questions = [
  'Tell me about a friend of yours.',
  'Who is Mira?',
  'What did Oskar find in the forest?',
  'Tell me a story about a goat.',
  'Where does Lena live?',
]

export interface SoakRequest {
  messages: { role: 'user'; content: string }[]
  seed: number
  temperature: number
  top_p: number
  max_tokens: number
}

/** Requests that differ in everything that they can. */
export const soakRequests = (count: number, maxTokens: number): SoakRequest[] =>
  Array.from({ length: count }, (_, i) => ({
    messages: [{ role: 'user', content: questions[i % questions.length]! }],
    seed: 1000 + i,
    temperature: [0, 0.7, 1, 1.5][i % 4]!,
    top_p: i % 3 === 0 ? 0.9 : 1,
    max_tokens: 2 + ((i * 7) % maxTokens),
  }))

/** What each request is answered with when nobody else asks, without a server. */
export async function answersAlone(target: PretrainedModel, requests: readonly SoakRequest[]): Promise<string[]> {
  const texts: string[] = []
  for (const { messages, seed, temperature, top_p, max_tokens } of requests) {
    let answer = ''
    for await (const { text } of generate(target, messages, { seed, temperature, topP: top_p, maxTokens: max_tokens }))
      answer += text
    texts.push(answer)
  }
  return texts
}

/** What a server answers each request with when it comes alone. */
export async function answersOfServer(server: ListeningServer, requests: readonly SoakRequest[]): Promise<string[]> {
  const texts: string[] = []
  for (const request of requests)
    texts.push(
      (await clientOf(server).chat.completions.create({ model: server.name, ...request })).choices[0]!.message.content!,
    )
  return texts
}

const clientOf = ({ url }: ListeningServer) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })

export interface SoakResult {
  /** Answers that came whole, and were the right ones. */
  right: number
  /** Requests that were broken off on purpose. */
  aborted: number
  /** What was wrong with the others. */
  wrong: string[]
}

/**
 * Lets clients ask at once, each again and again while `more` says so: whole answers and streams in turn, some streams broken
 * off. Each answer is compared with the one that its request has alone.
 */
export async function soak(
  server: ListeningServer,
  requests: readonly SoakRequest[],
  expected: readonly string[],
  { clients, more }: { clients: number; more: (round: number) => boolean },
): Promise<SoakResult> {
  const result: SoakResult = { right: 0, aborted: 0, wrong: [] }
  const client = clientOf(server)
  const ask = async (which: number, kind: number) => {
    const request = { model: server.name, ...requests[which]! }
    let text = ''
    if (kind === 0) text = (await client.chat.completions.create(request)).choices[0]!.message.content!
    else
      for await (const { choices } of await client.chat.completions.create({ ...request, stream: true })) {
        text += choices[0]!.delta.content ?? ''
        if (kind === 2 && text !== '') {
          result.aborted++
          return
        }
      }
    if (text === expected[which]) result.right++
    else result.wrong.push(`request ${which}: ${JSON.stringify(text)} in place of ${JSON.stringify(expected[which])}`)
  }
  const visit = async (id: number) => {
    for (let round = 0; more(round); round++)
      await ask((id * 5 + round * 3) % requests.length, (id + round) % 4 === 3 ? 2 : (id + round) % 2).catch(
        (error) => {
          result.wrong.push(`client ${id}, round ${round}: ${error}`)
        },
      )
  }
  await Promise.all(Array.from({ length: clients }, (_, id) => visit(id)))
  return result
}
