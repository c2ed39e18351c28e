import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { generateDataset, openAiTarget, rows, type Scored } from '@outrider/dataset'
import { testData } from '@outrider/test-data'
import { memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import type { Engine, Served } from './engines/engine'

/** What was asked, and what came. */
interface Exchange {
  path: string
  body: unknown
  status: number
  answer: unknown
}

/**
 * Writes what an engine answers to a small dataset and to the scoring of a row, request by request, for tests that have no engine: the
 * prompt is one of which `reference.json` has the logits and the greedy ids in float64.
 */
export async function record(engine: Engine, served: Served, target: PretrainedModel, into: string): Promise<string> {
  const exchanges: Exchange[] = []
  const endpoint = openAiTarget({
    ...{ baseUrl: served.url, model: served.model, tokenizer: target.tokenizer, retries: 2 },
    async fetch(url, init) {
      const response = await fetch(url, init)
      const text = await response.clone().text()
      const path = new URL(String(url)).pathname
      const body = JSON.parse(String(init?.body))
      exchanges.push({ path, body, status: response.status, answer: jsonOr(text) })
      return response
    },
  })
  const { prompt, ids, greedy } = recordedCase()
  await generateDataset({
    target: endpoint,
    seeds: rows([{ kind: 'conversation', messages: [{ role: 'user', content: prompt }], metadata: {} }], 'one prompt'),
    ...{ temperatures: [0], topP: 1, maxTokens: 12, batchSize: 1 },
    out: { directory: memoryDirectory(), file: 'answer.jsonl' },
  })
  const tokens = [...ids, ...greedy.slice(0, 6)]
  const row = { tokens, lossMask: tokens.map((_, i) => (i < ids.length ? 0 : 1)) }
  for (const k of [4, 64])
    try {
      const found: Scored<typeof row>[] = []
      for await (const one of endpoint.topTokens([row], { k, concurrency: 1 })) found.push(one)
    } catch (error) {
      console.log(`  ${k} tokens a place: ${(error as Error).message}`)
    }
  await mkdir(into, { recursive: true })
  const file = `${into}/${engine.name}.json`
  const { name } = engine
  const { version, command } = served
  await writeFile(file, `${JSON.stringify({ engine: name, version, command, exchanges }, null, 1)}\n`)
  return file
}

function recordedCase(): { prompt: string; ids: number[]; greedy: number[] } {
  const { cases } = JSON.parse(readFileSync(`${testData('stories260K')}/reference.json`, 'utf8'))
  const { prompt, ids, greedy } = cases.find(({ prompt }: { prompt: string }) => prompt.startsWith('Once upon'))
  return { prompt, ids, greedy }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
