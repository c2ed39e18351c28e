import type { createServer } from '@outrider/server'
import { rounded } from './compare'

/** Seconds, and what came in them. */
export interface Streams {
  tokens: number
  seconds: number
  firsts: number[]
  gaps: number[]
}

/** One request, answered as a stream: when its pieces came. */
export async function streamed(
  app: ReturnType<typeof createServer>['app'],
  { content, prompt, maxTokens }: { content?: string; prompt?: number[]; maxTokens: number },
  now: () => number,
): Promise<Streams> {
  const began = now()
  const asked = prompt ? { prompt } : { messages: [{ role: 'user', content }] }
  const response = await app.request(prompt ? '/v1/completions' : '/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: maxTokens,
    }),
  })
  if (!response.ok) throw new Error(await response.text())
  const streams: Streams = { tokens: 0, seconds: 0, firsts: [], gaps: [] }
  let last: number | undefined
  for await (const bytes of response.body!) {
    for (const line of new TextDecoder().decode(bytes).split('\n')) {
      if (!line.startsWith('data: {')) continue
      const { choices, usage } = JSON.parse(line.slice(6))
      if (usage) streams.tokens = usage.completion_tokens
      if (!(choices[0]?.delta?.content ?? choices[0]?.text)) continue
      const at = now()
      if (last === undefined) streams.firsts.push(at - began)
      else streams.gaps.push(at - last)
      last = at
    }
  }
  streams.seconds = now() - began
  return streams
}

export const waits = ({ firsts, gaps }: Pick<Streams, 'firsts' | 'gaps'>) => ({
  first_p50_ms: rounded(1000 * percentile(firsts, 0.5)),
  first_p99_ms: rounded(1000 * percentile(firsts, 0.99)),
  gap_p50_ms: rounded(1000 * percentile(gaps, 0.5)),
  gap_p99_ms: rounded(1000 * percentile(gaps, 0.99)),
  gap_most_ms: rounded(1000 * percentile(gaps, 1)),
})

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
