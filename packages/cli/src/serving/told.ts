import type { DraftChange } from '@outrider/server'
import type { ListeningServer } from '@outrider/server/node'
import type { PretrainedModel } from '@outrider/transformer'
import type { Context } from '../context'

/** What a server that listens says of itself. */
export type Start = ReturnType<typeof startOf>

export function startOf(
  server: ListeningServer,
  flags: {
    draft?: string
    concurrency: number
    queue: number
    page: boolean
    apiKey?: string
    apiKeys?: string
    maxMemory?: number
  },
  target: Pick<PretrainedModel, 'chatTemplate'>,
) {
  return {
    event: 'listening',
    url: server.url,
    api: `${server.url}/v1`,
    model: server.name,
    draft: flags.draft ?? null,
    chat: target.chatTemplate !== undefined,
    context_length: server.contextLength,
    concurrency: flags.concurrency,
    queue: flags.queue,
    ...(flags.maxMemory !== undefined && { max_memory_bytes: flags.maxMemory }),
    page: flags.page,
    api_key: flags.apiKey !== undefined || flags.apiKeys !== undefined,
    ...(server.metricsUrl !== undefined && { metrics: `${server.metricsUrl}/metrics` }),
    process: process.pid,
  }
}

export function announce({ terminal }: Context, start: Start): void {
  if (terminal.json) terminal.printJson(start)
  const { bold, dim } = terminal.style
  terminal.print(`Serving ${bold(start.model)} at ${bold(start.api)}`)
  const paths = [...(start.chat ? ['/chat/completions', '/responses'] : []), '/completions', '/embeddings', '/models']
  terminal.print(dim(`  ${paths.join(' ')}; ${start.url}/health, /ready and /metrics`))
  if (start.page && start.chat) terminal.print(dim(`  a page to chat by: ${start.url}/`))
  terminal.print(
    dim(
      `  ${start.context_length} tokens a request, ${start.concurrency} requests at once, ${start.queue} waiting; Ctrl-C ends`,
    ),
  )
}

/** That another draft is in use, in the log of requests. */
export function changeLine({ draft, former, ...figures }: DraftChange, format: 'text' | 'json'): string {
  const time = new Date().toISOString()
  const { requestsWithFormer, loadSeconds, prepareSeconds } = figures
  if (format === 'json') {
    const json = {
      ...{ draft, former, requests_with_former: requestsWithFormer },
      ...{ load_seconds: loadSeconds, prepare_seconds: prepareSeconds },
    }
    return JSON.stringify({ time, event: 'draft_changed', ...json })
  }
  return `${time} draft=${draft ?? 'none'} former=${former ?? 'none'} requests_with_former=${requestsWithFormer} load_seconds=${loadSeconds.toPrecision(3)} prepare_seconds=${prepareSeconds.toPrecision(3)}`
}
