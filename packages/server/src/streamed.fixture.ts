import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import type { ListeningServer } from './node/start-server'
import { post } from './server.fixture'

// biome-ignore lint/suspicious/noExplicitAny: what servers say is anything
type Said = any

interface Exchange {
  path: string
  body: Record<string, unknown>
  status: number
  answer: Said
}

/** What vLLM streams of stories260K where prompts are told of, recorded by `npm run engines -- --record`, under what it was asked for. */
export function recordedStreams(isWanted: (exchange: Exchange) => boolean): [string, Exchange][] {
  const { exchanges } = JSON.parse(readFileSync(testData('endpoints/streams/vllm.json'), 'utf8')) as {
    exchanges: Exchange[]
  }
  return exchanges
    .filter(isWanted)
    .map((one) => [JSON.stringify({ ...one.body, model: undefined, stream: undefined }), one])
}

/** The template that it was asked with. */
export const recordedTemplate = '{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}'

/** The objects of a stream. */
export async function chunksOf(from: ListeningServer, path: string, body: object): Promise<Said[]> {
  const { text } = await post(from, path, { ...body, stream: true })
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)))
}

/** What all chunks of one answer say together, and which of them tells the prompt's ids. */
export function together(chunks: readonly Said[], index: number) {
  const mine = chunks.filter(({ choices }) => choices[0]?.index === index)
  const choices = mine.map(({ choices }) => choices[0])
  const all = (of: (choice: Said) => readonly unknown[] | null | undefined) => choices.flatMap((one) => of(one) ?? [])
  return {
    text: choices.map(({ text, delta }) => text ?? delta.content ?? '').join(''),
    ids: all(({ token_ids }) => token_ids),
    tokens: all(({ logprobs }) => logprobs?.tokens),
    scores: all(({ logprobs }) => logprobs?.token_logprobs) as (number | null)[],
    offsets: all(({ logprobs }) => logprobs?.text_offset) as number[],
    promptIds: mine.flatMap((chunk, at) => {
      const ids = chunk.prompt_token_ids ?? choices[at].prompt_token_ids
      return ids ? [[at, ids]] : []
    }),
    end: choices.at(-1).finish_reason,
  }
}
